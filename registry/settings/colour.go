package settings

import (
	"math"
	"strconv"
)

// Colour is one of the colours that a service can have. The same list is in
// tools/assets/portal.scss.
type Colour struct {
	Code string // also the last part of its class: dft-brand-<code>
	Hex  string
}

// Palette lists the colours, the usual one first. Each has the message
// "colour.<code>", and all are dark enough for white words (WCAG 1.4.3) and for
// lines on white (1.4.11).
func Palette() []Colour {
	return []Colour{
		{"teal", "#14504b"}, {"green", "#0b5c34"}, {"blue", "#0b4f8a"}, {"navy", "#1d3461"},
		{"purple", "#4c2c92"}, {"maroon", "#7b1e3a"}, {"brown", "#6b3e12"}, {"slate", "#3b444b"},
	}
}

// ColourOf is a colour of the palette; the usual one for a code that is none.
func ColourOf(code string) Colour {
	for _, c := range Palette() {
		if c.Code == code {
			return c
		}
	}
	return Palette()[0]
}

// Words is the colour of words on any colour of the palette.
const Words = "#ffffff"

// Enough is the lowest contrast of words, level AA (WCAG 1.4.3).
const Enough = 4.5

// Contrast is the contrast ratio of two colours, 1 to 21 (WCAG 2.2, "contrast
// ratio" and "relative luminance").
func Contrast(a, b string) float64 {
	la, lb := luminance(a), luminance(b)
	return (math.Max(la, lb) + 0.05) / (math.Min(la, lb) + 0.05)
}

func luminance(hex string) float64 {
	part := func(from int) float64 {
		n, err := strconv.ParseUint(hex[from:from+2], 16, 8)
		if err != nil {
			return 0
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*part(1) + 0.7152*part(3) + 0.0722*part(5)
}
