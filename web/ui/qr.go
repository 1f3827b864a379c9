package ui

import (
	"fmt"
	"strings"

	"github.com/boombuler/barcode/qr"
)

// quiet is the white border that ISO/IEC 18004 asks for, in modules.
const quiet = 4

// QR is a QR code as one SVG path: its edge in modules, border included, and
// the path's data. Modules in a row are drawn as one stroke.
func QR(text string) (edge int, path string, err error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return 0, "", err
	}
	size := code.Bounds().Dx()
	dark := func(x, y int) bool {
		if x >= size {
			return false
		}
		r, _, _, _ := code.At(x, y).RGBA()
		return r == 0
	}
	var b strings.Builder
	for y := range size {
		for x := 0; x < size; x++ {
			start := x
			for dark(x, y) {
				x++
			}
			if x > start {
				fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", start+quiet, y+quiet, x-start, x-start)
			}
		}
	}
	return size + 2*quiet, b.String(), nil
}

func viewBox(edge int) string { return fmt.Sprintf("0 0 %d %d", edge, edge) }
