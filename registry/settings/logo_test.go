package settings_test

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/color"
	"image/png"
	"strings"
	"testing"

	"daftar/registry/settings"
)

func picture(t *testing.T, w, h int, at func(x, y int) color.Color) []byte {
	t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.Set(x, y, at(x, y))
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, m); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func half(x, _ int) color.Color {
	return color.NRGBA{R: 20, G: 80, B: 75, A: uint8(min(x*2, 255))}
}

func TestLogosAreMadeAnew(t *testing.T) {
	t.Parallel()
	file := append(picture(t, 1200, 300, half), "<script>alert(1)</script>"...)
	logo, err := settings.NewLogo("logo", file)
	if err != nil {
		t.Fatal(err)
	}
	data, err := base64.StdEncoding.DecodeString(logo.Data)
	if err != nil || bytes.Contains(data, []byte("script")) {
		t.Error("what stood behind the picture is kept", err)
	}
	if logo.Type != "image/png" || logo.Width != 480 || logo.Height != 120 || logo.Hash == "" {
		t.Errorf("%+v", logo)
	}
	again, err := settings.NewLogo("logo", data)
	if err != nil || again != logo {
		t.Error("made again, it is another one", err)
	}
}

func TestSVGIsShapesOnly(t *testing.T) {
	t.Parallel()
	wrap := func(inside string) string {
		return `<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" xmlns:x="urn:editor" viewBox="0 0 48 24" width="48" x:made="by"><x:note>hi</x:note><metadata><a/></metadata>` + inside + `</svg>`
	}
	logo, err := settings.NewLogo("logo", []byte(wrap(`<g transform="scale(2)"><path d="M0 0L10,10z" fill="#fff"/></g>`)))
	if err != nil {
		t.Fatal(err)
	}
	data, _ := base64.StdEncoding.DecodeString(logo.Data)
	if got, want := string(data), `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 24"><g transform="scale(2)"><path d="M0 0L10,10z" fill="#fff"></path></g></svg>`; got != want {
		t.Errorf("%s", got)
	}
	if logo.Width != 240 || logo.Height != 120 {
		t.Errorf("%d × %d", logo.Width, logo.Height)
	}
	for name, inside := range map[string]string{
		"a script":      `<script>alert(1)</script>`,
		"an event":      `<path onload="alert(1)" d="M0 0"/>`,
		"a style":       `<style>*{}</style>`,
		"a link":        `<a href="https://x.example"><path d="M0 0"/></a>`,
		"a picture":     `<image href="https://x.example/p.png"/>`,
		"a use":         `<use href="#a"/>`,
		"foreign":       `<foreignObject><body xmlns="http://www.w3.org/1999/xhtml"/></foreignObject>`,
		"a url":         `<path fill="url(#g)" d="M0 0"/>`,
		"a style of it": `<path style="fill:red" d="M0 0"/>`,
		"words":         `words`,
		"an animation":  `<animate attributeName="d"/>`,
		"a quote":       `<path d="M0&quot; onload=&quot;x"/>`,
	} {
		if _, err := settings.NewLogo("logo", []byte(wrap(inside))); err == nil {
			t.Errorf("an SVG with %s is accepted", name)
		}
	}
	for name, file := range map[string]string{
		"no size":       `<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/></svg>`,
		"entities":      `<!DOCTYPE svg [<!ENTITY a "b">]><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><path d="&a;"/></svg>`,
		"broken":        `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><path`,
		"too deep":      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1">` + strings.Repeat("<g>", 60) + strings.Repeat("</g>", 60) + `</svg>`,
		"too large":     `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><path d="` + strings.Repeat("M0 0", settings.MaxLogo) + `"/></svg>`,
		"a text":        "hello",
		"nothing":       "",
		"a broken PNG":  "\x89PNG\r\n\x1a\n",
		"a GIF":         "GIF89a\x01\x00\x01\x00",
		"a nested root": `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><svg/></svg>`,
	} {
		if _, err := settings.NewLogo("logo", []byte(file)); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
