package settings

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // a decoder
	"image/png"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/image/draw"
	_ "golang.org/x/image/webp" // a decoder

	"daftar/fault"
	"daftar/registry"
)

// Limits of a logo. It comes with the first page that somebody opens, on a slow
// line.
const (
	maxLogoPixels = 16_000_000 // of the upload
	maxLogoWidth  = 480
	maxLogoHeight = 120
	MaxLogo       = 12_000 // bytes of what is kept
)

// NewLogo makes a logo of a picture: a PNG drawn anew, or an SVG written anew
// from the shapes in it. Nothing of the file itself is kept. What is wrong is a
// fault.Invalid on the input called name.
func NewLogo(name string, file []byte) (registry.Logo, error) {
	refuse := func(key string, args ...any) (registry.Logo, error) {
		var check fault.Check
		check.Fail(name, key, args...)
		return registry.Logo{}, check.Err()
	}
	logo, data, err := registry.Logo{}, []byte(nil), error(nil)
	switch kind := http.DetectContentType(file); {
	case kind == "image/png", kind == "image/jpeg", kind == "image/webp":
		conf, _, err := image.DecodeConfig(bytes.NewReader(file))
		if err != nil {
			return refuse("upload.error.broken")
		}
		if conf.Width < 1 || conf.Height < 1 || conf.Width > maxLogoPixels/conf.Height {
			return refuse("upload.error.pixels")
		}
		if logo, data, err = redraw(file); err != nil {
			return refuse("upload.error.broken")
		}
	case bytes.Contains(file[:min(len(file), 4000)], []byte("<svg")):
		if logo, data, err = rewrite(file); err != nil {
			var not unsafe
			if errors.As(err, &not) {
				return refuse("settings.logo.unsafe", "What", string(not))
			}
			return refuse("upload.error.broken")
		}
	default:
		return refuse("settings.logo.type")
	}
	if len(data) > MaxLogo {
		return refuse("settings.logo.large", "Max", MaxLogo/1000)
	}
	logo.Data = base64.StdEncoding.EncodeToString(data)
	sum := sha256.Sum256(data)
	logo.Hash = hex.EncodeToString(sum[:8])
	return logo, nil
}

func redraw(file []byte) (registry.Logo, []byte, error) {
	src, _, err := image.Decode(bytes.NewReader(file))
	if err != nil {
		return registry.Logo{}, nil, err
	}
	w, h := src.Bounds().Dx(), src.Bounds().Dy()
	if w > maxLogoWidth {
		w, h = maxLogoWidth, max(1, h*maxLogoWidth/w)
	}
	if h > maxLogoHeight {
		w, h = max(1, w*maxLogoHeight/h), maxLogoHeight
	}
	dst := image.NewNRGBA(image.Rect(0, 0, w, h))
	if w == src.Bounds().Dx() && h == src.Bounds().Dy() { // to the bit: what was drawn once is drawn the same again
		for y := range h {
			for x := range w {
				dst.Set(x, y, src.At(src.Bounds().Min.X+x, src.Bounds().Min.Y+y))
			}
		}
	} else {
		draw.CatmullRom.Scale(dst, dst.Bounds(), src, src.Bounds(), draw.Src, nil)
	}
	var out bytes.Buffer
	e := png.Encoder{CompressionLevel: png.BestCompression}
	err = e.Encode(&out, dst)
	return registry.Logo{Type: "image/png", Width: w, Height: h}, out.Bytes(), err
}

// unsafe is what stands in an SVG and is not kept.
type unsafe string

func (u unsafe) Error() string { return string(u) }

const svgSpace = "http://www.w3.org/2000/svg"

// Shapes, and what may be said of them: no style, no text, nothing that runs,
// links or is fetched.
var (
	shapes   = []string{"svg", "g", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon"}
	silent   = []string{"title", "desc", "metadata"} // left out
	features = []string{"viewBox", "width", "height", "d", "x", "y", "rx", "ry", "cx", "cy", "r", "x1", "y1", "x2", "y2", "points", "fill", "stroke",
		"stroke-width", "stroke-linecap", "stroke-linejoin", "stroke-miterlimit", "fill-rule", "clip-rule", "opacity", "fill-opacity",
		"stroke-opacity", "transform"}
	plain = regexp.MustCompile(`^[-A-Za-z0-9 .,#%()+\n\t]*$`)
)

func rewrite(file []byte) (registry.Logo, []byte, error) {
	logo := registry.Logo{Type: "image/svg+xml"}
	var out bytes.Buffer
	d := xml.NewDecoder(bytes.NewReader(file))
	depth, skip := 0, 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return logo, nil, err
		}
		switch t := token.(type) {
		case xml.Directive:
			if !bytes.HasPrefix(t, []byte("DOCTYPE")) || bytes.ContainsAny(t, "[") {
				return logo, nil, unsafe("<!" + string(t[:min(len(t), 20)]))
			}
		case xml.StartElement:
			if depth++; depth > 50 {
				return logo, nil, unsafe("nesting")
			}
			switch {
			case skip > 0 || t.Name.Space != svgSpace && t.Name.Space != "" || slices.Contains(silent, t.Name.Local):
				skip++
			case !slices.Contains(shapes, t.Name.Local) || t.Name.Local == "svg" && depth > 1:
				return logo, nil, unsafe("<" + t.Name.Local + ">")
			default:
				if err := element(&out, t, &logo); err != nil {
					return logo, nil, err
				}
			}
		case xml.EndElement:
			depth--
			if skip > 0 {
				skip--
			} else {
				out.WriteString("</" + t.Name.Local + ">")
			}
		case xml.CharData:
			if skip == 0 && len(bytes.TrimSpace(t)) > 0 {
				return logo, nil, unsafe(strings.TrimSpace(string(t[:min(len(t), 20)])))
			}
		}
	}
	if logo.Width < 1 || logo.Height < 1 {
		return logo, nil, unsafe("viewBox")
	}
	return logo, out.Bytes(), nil
}

func element(out *bytes.Buffer, t xml.StartElement, logo *registry.Logo) error {
	out.WriteString("<" + t.Name.Local)
	if t.Name.Local == "svg" {
		out.WriteString(` xmlns="` + svgSpace + `"`)
		box := ""
		for _, a := range t.Attr {
			if a.Name.Local == "viewBox" {
				box = a.Value
			}
		}
		parts := strings.FieldsFunc(box, func(r rune) bool { return r == ' ' || r == ',' })
		if len(parts) == 4 {
			w, err1 := strconv.ParseFloat(parts[2], 64)
			h, err2 := strconv.ParseFloat(parts[3], 64)
			if err1 == nil && err2 == nil && w > 0 && h > 0 && w/h < 100 && h/w < 100 {
				scale := min(maxLogoWidth/w, maxLogoHeight/h)
				logo.Width, logo.Height = max(1, int(w*scale)), max(1, int(h*scale))
			}
		}
	}
	for _, a := range t.Attr {
		switch {
		case a.Name.Space != "" || a.Name.Local == "xmlns" || a.Name.Local == "id" || a.Name.Local == "version":
		case !slices.Contains(features, a.Name.Local):
			return unsafe(a.Name.Local)
		case !plain.MatchString(a.Value) || strings.Contains(strings.ToLower(a.Value), "url"):
			return unsafe(a.Name.Local + "=" + a.Value[:min(len(a.Value), 20)])
		case t.Name.Local == "svg" && a.Name.Local != "viewBox" && a.Name.Local != "fill":
		default:
			_, _ = fmt.Fprintf(out, ` %s="%s"`, a.Name.Local, a.Value)
		}
	}
	out.WriteString(">")
	return nil
}

// checkLogo makes sure that a logo of a file is one that NewLogo made: its
// bytes are read and made again, and must come out the same.
func checkLogo(l registry.Logo) error {
	data, err := base64.StdEncoding.DecodeString(l.Data)
	if err != nil {
		return err
	}
	again, err := NewLogo("logo", data)
	if err != nil {
		return err
	}
	if again != l {
		return errors.New("not a logo as it is kept")
	}
	return nil
}
