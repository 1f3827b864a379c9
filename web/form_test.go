package web_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"daftar/fault"
	"daftar/web"
)

func TestForms(t *testing.T) {
	t.Parallel()
	s := open(t, "", route("POST", "/form", func(c *web.Ctx) error {
		f, err := c.Form("name", "sex", "photo")
		if err != nil {
			return err
		}
		var check fault.Check
		name := f.Required(&check, "name", 10, "missing")
		sex := f.Choice(&check, "sex", []string{"female", "male"}, "choose")
		photo, _ := f.File("photo")
		text := fmt.Sprintf("%s|%s|%d|%d|%v", name, sex, len(f.All("sex")), len(photo.Bytes), f.Switching())
		if wrong := check.Fault(); wrong != nil {
			for _, field := range wrong.Fields {
				text += "|" + field.Name + " " + field.Key
			}
		}
		return c.Send(200, "text/plain; charset=utf-8", []byte(text))
	}))
	part := func(head, body string) string {
		return "--b\r\nContent-Disposition: form-data; " + head + "\r\n\r\n" + body + "\r\n"
	}
	for name, c := range map[string]struct {
		body string
		want string // "" for refused as unreadable
	}{
		"right":              {"name=Nila&sex=female", "Nila|female|1|0|false"},
		"spaces around":      {"name=+Nila%0A&sex=female", "Nila|female|1|0|false"},
		"Arabic":             {"name=%D8%A2%D9%85%D9%86%D8%A9&sex=female", "آمنة|female|1|0|false"},
		"a field twice":      {"name=Nila&name=Rosa&sex=female&sex=male", "Nila|female|2|0|false"},
		"nothing":            {"", "||0|0|false|name missing|sex choose"},
		"another choice":     {"name=Nila&sex=none", "Nila|none|1|0|false|sex choose"},
		"too long":           {"name=12345678901&sex=male", "12345678901|male|1|0|false|name field.error.too_long"},
		"ten letters":        {"name=" + strings.Repeat("%D8%A2", 10) + "&sex=male", strings.Repeat("آ", 10) + "|male|1|0|false"},
		"null byte":          {"name=Ni%00la&sex=male", "Nila|male|1|0|false|name field.error.characters"},
		"broken UTF-8":       {"name=Nila%ff&sex=male", "Nila|male|1|0|false|name field.error.characters"},
		"direction override": {"name=%E2%80%AEalin&sex=male", "alin|male|1|0|false|name field.error.characters"},
		"null in a choice":   {"name=Nila&sex=ma%00le", "Nila|male|1|0|false|sex choose"},
		"switching":          {"name=Nila&sex=male&switch-language=1", "Nila|male|1|0|true"},
		"unexpected field":   {"name=Nila&sex=male&status=approved", ""},
		"array":              {"name[]=Nila&sex=male", ""},
		"object":             {"name[first]=Nila", ""},
		"other letters":      {"Name=Nila", ""},
		"bad escape":         {"name=%zz", ""},
		"semicolons":         {"name=Nila;sex=male", ""},
		"a thousand fields":  {strings.Repeat("a=1&", 10_000), ""},
		"parts":              {part(`name="name"`, "Nila") + part(`name="sex"`, "male") + part(`name="photo"; filename="../../etc/passwd"`, "12345") + "--b--\r\n", "Nila|male|1|5|false"},
		"unexpected file":    {part(`name="evil"; filename="x"`, "12345") + "--b--\r\n", ""},
		"part without name":  {part(`x="y"`, "12345") + "--b--\r\n", ""},
		"parts cut off":      {part(`name="name"`, "Nila"), ""},
		"too many parts":     {strings.Repeat(part(`name="sex"`, "male"), 1002) + "--b--\r\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			media := "application/x-www-form-urlencoded"
			if strings.HasPrefix(c.body, "--b") {
				media = "multipart/form-data; boundary=b"
			}
			a := s.ask(t, "POST", "/en/form", c.body, "Content-Type", media)
			if c.want == "" {
				if a.StatusCode != 400 {
					t.Errorf("%d %s", a.StatusCode, a.text)
				}
			} else if a.StatusCode != 200 || a.text != c.want {
				t.Errorf("%d %s", a.StatusCode, a.text)
			}
		})
	}
	for _, media := range []string{"application/json", "text/plain", "multipart/form-data", "", "x"} {
		if a := s.ask(t, "POST", "/en/form", url.Values{"name": {"Nila"}}.Encode(), "Content-Type", media); a.StatusCode != 400 {
			t.Errorf("%q: %d", media, a.StatusCode)
		}
	}
}
