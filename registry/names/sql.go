package names

import (
	"fmt"
	"slices"
	"strings"
)

// script is a range of letters with what they are read as.
type script struct {
	below rune
	from  []rune
	to    string
}

// SQL is the definition of name_fold and name_key, as the migration holds it. A
// test compares the two, and what the functions answer.
func SQL() string {
	var asciiMarks strings.Builder
	var dropped, parting []rune
	// translate looks through its whole list for each letter: a list for each
	// script, and only where the name has letters of it.
	scripts := []script{{below: 0x370}, {below: 0x530}, {below: 0x600}, {below: 0x900}, {below: 0x10000}}
	inOrder(foldRune, func(r rune, as string) {
		switch {
		case as == "" && r < 0x80:
			asciiMarks.WriteRune(r)
		case as == "":
			dropped = append(dropped, r)
		case as == " " && r >= 0x80:
			parting = append(parting, r)
		case r >= 0x80 && len([]rune(as)) == 1:
			i := slices.IndexFunc(scripts, func(t script) bool { return r < t.below })
			scripts[i].from = append(scripts[i].from, r)
			scripts[i].to += as
		}
	})
	b := &strings.Builder{}
	line := func(format string, args ...any) { fmt.Fprintf(b, format+"\n", args...) }
	line("create function name_fold(name text) returns text language plpgsql immutable strict parallel safe as $$")
	line("declare s text := name;")
	line("begin")
	line("  if octet_length(s) > length(s) then")
	line("    s := regexp_replace(normalize(s, NFKD), '[%s]+', '', 'g');", class(dropped))
	line("    s := regexp_replace(s, '[%s]+', ' ', 'g');", class(parting))
	first := rune(0x80)
	for _, t := range scripts {
		line("    if s ~ '[\\u%04X-\\u%04X]' then", first, t.below-1)
		line("      s := translate(s, %s,\n        %s);", literal(string(t.from)), literal(t.to))
		line("    end if;")
		first = t.below
	}
	var two []rune
	for _, t := range spelt {
		if t[1] != "" {
			two = append(two, []rune(t[0])...)
		}
	}
	line("    if s ~ '[%s]' then", class(two))
	for _, t := range spelt {
		if t[1] != "" {
			line("      s := replace(s, %s, '%s');", literal(t[0]), t[1])
		}
	}
	line("    end if;")
	line("  end if;")
	line("  s := translate(lower(s collate \"C\"), %s, '');", quote(asciiMarks.String()))
	line("  if s ~ '[\\u0001-\\u001F\\u0021-\\u002F\\u003A-\\u0060\\u007B-\\u007F]|  ' then -- a replacement for each space costs more than all else here")
	line("    s := regexp_replace(s, '[\\u0001-\\u002F\\u003A-\\u0060\\u007B-\\u007F]+', ' ', 'g');")
	line("  end if;")
	line("  s := btrim(s);")
	for _, c := range compounds {
		to := strings.NewReplacer("${1}", `\1`, "${2}", `\2`, "${3}", `\3`).Replace(c.to)
		line("  if strpos(s, %s) > 0 then", literal(c.has))
		line("    s := regexp_replace(s, %s, %s, 'g');", literal(c.re.String()), literal(to))
		line("  end if;")
	}
	line("  return s;")
	line("end $$;")
	line("")

	// Most names need but the first of three tables.
	tables := []struct {
		below    rune
		test     string
		from, to strings.Builder
	}{{below: 0x80}, {below: 0x900, test: `octet_length(s) > length(s)`}, {below: 0x10000, test: `s ~ '[\u0900-\uFFFF]'`}}
	inOrder(soundRune, func(r, as rune) {
		for i := range tables {
			if t := &tables[i]; r < t.below {
				t.from.WriteRune(r)
				t.to.WriteRune(as)
				return
			}
		}
	})
	line("create function name_key(word text) returns text language plpgsql immutable strict parallel safe as $$")
	line("declare s text := regexp_replace(word, '([a-z])\\1+', '\\1', 'g');")
	line("begin")
	for _, d := range digraphs {
		line("  s := replace(s, %s, %s);", literal(d[0]), literal(d[1]))
	}
	for i := range tables {
		translate := fmt.Sprintf("s := translate(s, %s,\n      %s);", literal(tables[i].from.String()), literal(tables[i].to.String()))
		if tables[i].test == "" {
			line("  %s", translate)
			continue
		}
		line("  if %s then", tables[i].test)
		line("    %s", translate)
		line("  end if;")
	}
	line("  s := case when s ~ '^[wy]' then left(s, 1) else '' end || translate(s, '%s', '');", weak)
	line("  if length(s) > 1 and right(s, 1) = 'h' then")
	line("    s := left(s, -1);")
	line("  end if;")
	line("  return case s when '' then 'a' else s end;")
	line("end $$;")
	return b.String()
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// literal writes a string with nothing but ASCII in it: some letters join
// others, or turn the line around.
func literal(s string) string {
	if ascii(s) {
		return quote(s)
	}
	var b strings.Builder
	for _, r := range strings.ReplaceAll(s, `\`, `\\`) {
		if r < 0x80 {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, `\%04X`, r)
		}
	}
	return "U&" + quote(b.String())
}

// class is the inside of a bracket expression.
func class(runes []rune) string {
	var b strings.Builder
	for i := 0; i < len(runes); {
		from := runes[i]
		for i++; i < len(runes) && runes[i] == runes[i-1]+1; i++ {
		}
		fmt.Fprintf(&b, `\u%04X`, from)
		if to := runes[i-1]; to > from {
			fmt.Fprintf(&b, `-\u%04X`, to)
		}
	}
	return b.String()
}
