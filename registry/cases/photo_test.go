package cases_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"

	"daftar/fault"
	"daftar/registry/cases"
)

// picture is red in its left half and blue in its right.
func picture(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.Set(x, y, color.RGBA{R: 255, A: 255})
			if x >= w/2 {
				m.Set(x, y, color.RGBA{B: 255, A: 255})
			}
		}
	}
	return m
}

func encoded(t *testing.T, encode func(*bytes.Buffer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asPNG(t *testing.T, w, h int) []byte {
	t.Helper()
	return encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, picture(w, h)) })
}

func asJPEG(t *testing.T, w, h int) []byte {
	t.Helper()
	return encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, picture(w, h), nil) })
}

// withEXIF puts an orientation and a place into a JPEG.
func withEXIF(file []byte, orientation byte, place string) []byte {
	tiff := []byte("II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00")
	tiff = append(tiff, orientation, 0, 0, 0, 0, 0, 0, 0)
	segment := append(append([]byte("Exif\x00\x00"), tiff...), place...)
	head := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(len(segment)+2))
	return append(append(append(bytes.Clone(file[:2]), head...), segment...), file[2:]...)
}

// claiming is a PNG whose header says that it is w by h.
func claiming(file []byte, w, h uint32) []byte {
	out := bytes.Clone(file)
	binary.BigEndian.PutUint32(out[16:], w)
	binary.BigEndian.PutUint32(out[20:], h)
	binary.BigEndian.PutUint32(out[29:], crc32.ChecksumIEEE(out[12:29]))
	return out
}

// claimingJPEG is the same for a JPEG: its SOF0 segment.
func claimingJPEG(file []byte, w, h uint16) []byte {
	out := bytes.Clone(file)
	at := bytes.Index(out, []byte{0xff, 0xc0})
	binary.BigEndian.PutUint16(out[at+5:], h)
	binary.BigEndian.PutUint16(out[at+7:], w)
	return out
}

func TestPhotoIsMadeAnew(t *testing.T) {
	t.Parallel()
	const place, script = "GPS-1.2921S-36.8219E", "<script>alert(1)</script>"
	webp, err := base64.StdEncoding.DecodeString("UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file []byte
		w, h int
	}{
		"JPEG":                  {asJPEG(t, 40, 20), 40, 20},
		"PNG":                   {asPNG(t, 40, 20), 40, 20},
		"WebP":                  {webp, 1, 1},
		"a place in it":         {withEXIF(asJPEG(t, 40, 20), 1, place), 40, 20},
		"on its side":           {withEXIF(asJPEG(t, 40, 20), 6, place), 20, 40},
		"a script behind it":    {append(asPNG(t, 40, 20), script...), 40, 20},
		"a script behind a JPG": {append(asJPEG(t, 40, 20), script...), 40, 20},
		"large":                 {asPNG(t, 3000, 30), 2000, 20},
		"a line":                {asPNG(t, 5000, 1), 2000, 1},
		"orientation 200":       {withEXIF(asJPEG(t, 40, 20), 200, place), 40, 20},
		"cut EXIF":              {append([]byte{0xff, 0xd8, 0xff, 0xe1, 0, 10, 'E', 'x', 'i', 'f', 0, 0, 'I', 'I'}, asJPEG(t, 40, 20)[2:]...), 40, 20},
	} {
		p, err := cases.NewPhoto("photo", c.file)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		m, kind, err := image.Decode(bytes.NewReader(p.JPEG))
		if err != nil || kind != "jpeg" || m.Bounds().Dx() != c.w || m.Bounds().Dy() != c.h || p.Width != c.w || p.Height != c.h {
			t.Errorf("%s: %s %v, says %dx%d, %v", name, kind, m.Bounds(), p.Width, p.Height, err)
		}
		for _, left := range []string{place, script, "Exif", "GPS"} {
			if bytes.Contains(p.JPEG, []byte(left)) {
				t.Errorf("%s: %s is still in it", name, left)
			}
		}
	}
}

// Each of the eight orientations shows the same picture: red where it was held.
func TestPhotoIsUpright(t *testing.T) {
	t.Parallel()
	for orientation, red := range map[byte]image.Point{
		1: {2, 10}, 2: {37, 10}, 3: {37, 10}, 4: {2, 10}, // left, right, right, left
		5: {10, 2}, 6: {10, 2}, 7: {10, 37}, 8: {10, 37}, // top, top, bottom, bottom
	} {
		p, err := cases.NewPhoto("photo", withEXIF(asJPEG(t, 40, 20), orientation, ""))
		if err != nil {
			t.Fatal(err)
		}
		m, err := jpeg.Decode(bytes.NewReader(p.JPEG))
		if err != nil {
			t.Fatal(err)
		}
		if r, _, b, _ := m.At(red.X, red.Y).RGBA(); r < 0xc000 || b > 0x4000 {
			t.Errorf("orientation %d: not red at %v", orientation, red)
		}
	}
}

func TestWhatIsNoPhoto(t *testing.T) {
	t.Parallel()
	small := asPNG(t, 4, 4)
	for name, c := range map[string]struct {
		file []byte
		key  string
	}{
		"nothing":            {nil, "upload.error.type"},
		"HTML called .png":   {[]byte("<!DOCTYPE html><script>alert(1)</script>"), "upload.error.type"},
		"SVG":                {[]byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`), "upload.error.type"},
		"PDF":                {[]byte("%PDF-1.7\n"), "upload.error.type"},
		"a program":          {[]byte("MZ\x90\x00\x03"), "upload.error.type"},
		"GIF":                {encoded(t, func(b *bytes.Buffer) error { return gif.Encode(b, picture(4, 4), nil) }), "upload.error.type"},
		"BMP":                {[]byte("BM" + strings.Repeat("\x00", 60)), "upload.error.type"},
		"PNG's first bytes":  {small[:8], "upload.error.broken"},
		"JPEG's first bytes": {[]byte{0xff, 0xd8, 0xff, 0xe0}, "upload.error.broken"},
		"cut PNG":            {small[:len(small)-20], "upload.error.broken"},
		"cut JPEG":           {asJPEG(t, 40, 40)[:300], "upload.error.broken"},
		"HTML inside a PNG":  {append(small[:8:8], "<script>alert(1)</script>"...), "upload.error.broken"},
		"a bomb":             {claiming(small, 50000, 50000), "upload.error.pixels"},
		"a flat bomb":        {claiming(small, 1<<31-1, 1), "upload.error.pixels"},
		"a thin bomb":        {claiming(small, 1, 1<<31-1), "upload.error.pixels"},
		"just too many":      {claiming(small, 4001, 4000), "upload.error.pixels"},
		"nothing wide":       {claiming(small, 0, 10), "upload.error.broken"},
		"a JPEG bomb":        {claimingJPEG(asJPEG(t, 8, 8), 65535, 65535), "upload.error.pixels"},
		"more than it has":   {claiming(small, 3000, 3000), "upload.error.broken"},
	} {
		p, err := cases.NewPhoto("photo", c.file)
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "[photo: "+c.key+"]") || p.JPEG != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzNewPhoto(f *testing.F) {
	var b bytes.Buffer
	_ = jpeg.Encode(&b, picture(8, 8), nil)
	f.Add(withEXIF(b.Bytes(), 6, "place"))
	f.Add([]byte("\x89PNG\r\n\x1a\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		if p, err := cases.NewPhoto("photo", file); err == nil && (len(p.JPEG) == 0 || max(p.Width, p.Height) > 2000) {
			t.Errorf("%d bytes, %dx%d", len(p.JPEG), p.Width, p.Height)
		}
	})
}
