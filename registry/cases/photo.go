package cases

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/jpeg"
	_ "image/png" // a decoder
	"net/http"

	"golang.org/x/image/draw"
	_ "golang.org/x/image/webp" // a decoder

	"daftar/fault"
)

// Photo is a picture made anew from what was uploaded: nothing of the file
// itself is kept, so neither a place in its metadata nor a script behind its
// end survives.
type Photo struct {
	JPEG          []byte
	Width, Height int
}

// Limits of a photo. Decoding needs 1.5 bytes per pixel for a JPEG and 4 for
// the others.
const (
	maxJPEGPixels  = 50_000_000
	maxOtherPixels = 16_000_000
	maxEdge        = 2000 // pixels kept on the longer edge
)

// decoding bounds how many photos are in memory at once.
var decoding = make(chan struct{}, 2)

// NewPhoto reads a JPEG, PNG or WebP, by its content and not its name, turns
// it upright, makes it no larger than needed and writes it as a new JPEG. It
// refuses anything else with fault.Invalid on the input called name.
func NewPhoto(name string, file []byte) (Photo, error) {
	refuse := func(key string) (Photo, error) {
		var check fault.Check
		check.Fail(name, key)
		return Photo{}, check.Err()
	}
	kind := http.DetectContentType(file)
	limit := maxOtherPixels
	switch kind {
	case "image/jpeg":
		limit = maxJPEGPixels
	case "image/png", "image/webp":
	default:
		return refuse("upload.error.type")
	}
	conf, _, err := image.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return refuse("upload.error.broken")
	}
	if conf.Width < 1 || conf.Height < 1 || conf.Width > limit/conf.Height {
		return refuse("upload.error.pixels")
	}
	decoding <- struct{}{}
	defer func() { <-decoding }()
	picture, _, err := image.Decode(bytes.NewReader(file))
	if err != nil {
		return refuse("upload.error.broken")
	}
	upright := turn(shrink(picture), orientation(file))
	var out bytes.Buffer
	if err := jpeg.Encode(&out, upright, &jpeg.Options{Quality: 82}); err != nil {
		return Photo{}, err
	}
	return Photo{JPEG: out.Bytes(), Width: upright.Bounds().Dx(), Height: upright.Bounds().Dy()}, nil
}

func shrink(src image.Image) *image.RGBA {
	w, h := src.Bounds().Dx(), src.Bounds().Dy()
	if longer := max(w, h); longer > maxEdge {
		w, h = max(1, w*maxEdge/longer), max(1, h*maxEdge/longer)
	}
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(dst, dst.Bounds(), image.White, image.Point{}, draw.Src) // what was transparent
	draw.ApproxBiLinear.Scale(dst, dst.Bounds(), src, src.Bounds(), draw.Over, nil)
	return dst
}

// turn applies an EXIF orientation (1 to 8), which the new file does not have.
func turn(src *image.RGBA, o int) *image.RGBA {
	if o < 2 || o > 8 {
		return src
	}
	w, h := src.Bounds().Dx(), src.Bounds().Dy()
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	if o >= 5 {
		dst = image.NewRGBA(image.Rect(0, 0, h, w))
	}
	for y := range h {
		for x := range w {
			dx, dy := x, y
			switch o {
			case 2:
				dx = w - 1 - x
			case 3:
				dx, dy = w-1-x, h-1-y
			case 4:
				dy = h - 1 - y
			case 5:
				dx, dy = y, x
			case 6:
				dx, dy = h-1-y, x
			case 7:
				dx, dy = h-1-y, w-1-x
			case 8:
				dx, dy = y, w-1-x
			}
			dst.SetRGBA(dx, dy, src.RGBAAt(x, y))
		}
	}
	return dst
}

// orientation reads the EXIF tag 0x0112 of a JPEG; 1 when there is none.
func orientation(file []byte) int {
	for i := 2; i+4 <= len(file) && file[i] == 0xff; {
		marker, size := file[i+1], int(binary.BigEndian.Uint16(file[i+2:]))
		if marker == 0xda || size < 2 || i+2+size > len(file) {
			break
		}
		if segment := file[i+4 : i+2+size]; marker == 0xe1 && bytes.HasPrefix(segment, []byte("Exif\x00\x00")) {
			return tiffOrientation(segment[6:])
		}
		i += 2 + size
	}
	return 1
}

func tiffOrientation(tiff []byte) int {
	if len(tiff) < 8 {
		return 1
	}
	var order binary.ByteOrder = binary.BigEndian
	if tiff[0] == 'I' {
		order = binary.LittleEndian
	}
	at := int(order.Uint32(tiff[4:]))
	if at < 8 || at+2 > len(tiff) {
		return 1
	}
	n := int(order.Uint16(tiff[at:]))
	for i := range n {
		entry := at + 2 + 12*i
		if entry+12 > len(tiff) {
			break
		}
		if order.Uint16(tiff[entry:]) == 0x0112 {
			return int(order.Uint16(tiff[entry+8:]))
		}
	}
	return 1
}
