package fields

import (
	"cmp"

	"daftar/i18n"
	"daftar/registry"
)

// Dialect is the dialect of JSON Schema that Schema writes.
const Dialect = "https://json-schema.org/draft/2020-12/schema"

// maxUnbound is the largest number that a field without bounds takes.
const maxUnbound = 1e12

// Schema describes the values of a subject's definitions in JSON Schema (draft
// 2020-12), as they are stored and as other systems see them. No value is
// required: not having an answer never stops anybody (RULES R1), and what is
// not known is left out. Titles are in the source language; "x-labels" has all.
// The same definitions give the same document.
func Schema(subject string, all registry.Fields) map[string]any {
	schema := object(all.Of(subject), all)
	schema["$schema"] = Dialect
	schema["title"] = subject
	return schema
}

// object describes a set of values; nothing else may be in it.
func object(list, all registry.Fields) map[string]any {
	properties := map[string]any{}
	for _, f := range list {
		properties[f.Code] = property(f, all)
	}
	return map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
}

func property(f registry.Field, all registry.Fields) map[string]any {
	p := value(f, all)
	p["title"] = cmp.Or(f.Label[i18n.Source], f.Code)
	if len(f.Label) > 0 {
		p["x-labels"] = f.Label
	}
	if help := f.Help[i18n.Source]; help != "" {
		p["description"] = help
	}
	if unit := f.Unit[i18n.Source]; unit != "" {
		p["x-unit"] = unit
	}
	p["x-version"] = f.Version
	p["x-sensitivity"] = f.Sensitivity
	if f.Type == registry.TypeCalculated {
		p["readOnly"] = true
	}
	if f.Form != "" {
		p["x-form"] = f.Form
	}
	return p
}

// value is what a stored value looks like.
func value(f registry.Field, all registry.Fields) map[string]any {
	switch f.Shape() {
	case registry.TypeNumber, registry.TypeMoney:
		p := map[string]any{"type": "number", "minimum": -maxUnbound, "maximum": maxUnbound}
		if f.Rules.Decimals == 0 && f.Type != registry.TypeCalculated {
			p["type"] = "integer"
		}
		if f.Rules.Min != nil {
			p["minimum"] = *f.Rules.Min
		}
		if f.Rules.Max != nil {
			p["maximum"] = *f.Rules.Max
		}
		if f.Shape() == registry.TypeMoney {
			p["x-money"] = true // in the country's currency
		}
		return p
	case registry.TypeYesNo:
		return map[string]any{"type": "string", "enum": []string{"yes", "no", registry.Unknown}}
	case registry.TypeDate:
		return map[string]any{"type": "string", "format": "date"}
	case registry.TypeChoice:
		return map[string]any{"type": "string", "oneOf": answers(f.Options)}
	case registry.TypeChoices:
		return map[string]any{"type": "array", "uniqueItems": true, "items": map[string]any{"type": "string", "oneOf": answers(f.Options)}}
	case registry.TypeArea:
		return map[string]any{"type": "string", "pattern": "^[A-Z0-9]{2,20}$", "x-area": true} // a P-code
	case registry.TypeFile:
		return map[string]any{"type": "string", "pattern": "^F-[2-9A-HJKMNP-Z]{5}-[2-9A-HJKMNP-Z]{5}$"} // a reference
	case registry.TypeRoster:
		row := object(all.Columns(f), all)
		row["properties"].(map[string]any)[registry.RowID] = map[string]any{"type": "string", "title": "identity of the row"}
		row["required"] = []string{registry.RowID}
		return map[string]any{"type": "array", "maxItems": registry.MaxRows, "items": row}
	}
	limit := f.Rules.MaxLength
	if limit == 0 {
		limit = registry.MaxText
	}
	p := map[string]any{"type": "string", "maxLength": limit}
	if f.Rules.Pattern != "" {
		p["pattern"] = f.Rules.Whole()
	}
	return p
}

// answers are a choice's answers, the retired ones too: they stay on records.
func answers(options registry.Options) []map[string]any {
	list := []map[string]any{}
	for _, o := range options {
		a := map[string]any{"const": o.Code, "title": cmp.Or(o.Label[i18n.Source], o.Code)}
		if o.Retired {
			a["deprecated"] = true
		}
		list = append(list, a)
	}
	return list
}
