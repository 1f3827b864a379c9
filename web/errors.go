package web

import (
	"errors"

	"github.com/gofiber/fiber/v2"

	"daftar/fault"
	"daftar/i18n"
	"daftar/web/ui"
)

// Status maps a fault to HTTP, in one place.
func Status(code fault.Code) int {
	switch code {
	case fault.Invalid:
		return fiber.StatusUnprocessableEntity
	case fault.Malformed:
		return fiber.StatusBadRequest
	case fault.Unauthenticated:
		return fiber.StatusUnauthorized
	case fault.Forbidden:
		return fiber.StatusForbidden
	case fault.NotFound:
		return fiber.StatusNotFound
	case fault.Conflict:
		return fiber.StatusConflict
	case fault.Gone:
		return fiber.StatusGone
	case fault.TooLarge:
		return fiber.StatusRequestEntityTooLarge
	case fault.TooMany:
		return fiber.StatusTooManyRequests
	case fault.Unavailable:
		return fiber.StatusServiceUnavailable
	}
	return fiber.StatusInternalServerError
}

// AsFault turns fiber's own errors into faults.
func AsFault(err error) *fault.Error {
	var f *fault.Error
	if errors.As(err, &f) {
		return f
	}
	var e *fiber.Error
	if errors.As(err, &e) {
		switch {
		case e.Code == fiber.StatusNotFound || e.Code == fiber.StatusMethodNotAllowed:
			return fault.Hidden()
		case e.Code == fiber.StatusRequestEntityTooLarge:
			return fault.New(fault.TooLarge, "error.too_large", "Max", UploadLimit>>20)
		case e.Code < 500:
			return fault.Wrap(err, fault.Malformed, "error.malformed")
		}
	}
	return fault.Wrap(err, fault.Internal, "error.internal")
}

// failed answers an error: a page in the person's language, or the site's own
// form for programs. Causes stay in the log. The page is the same for
// everything that is "not there", whichever address was tried.
func (s *Server) failed(c *fiber.Ctx, err error) error {
	f := AsFault(err)
	c.Response().ResetBody()
	if f.Code == fault.Unavailable {
		c.Set(fiber.HeaderRetryAfter, "5")
	}
	if s.cfg.Failed != nil {
		return s.cfg.Failed(c, f)
	}
	printer := s.printerOf(c)
	ctx := i18n.With(c.UserContext(), printer)
	chrome := s.chrome(printer, s.cfg.Audience != "")
	chrome.ExtraStyle = ""
	return render(ui.WithChrome(ctx, chrome), c, Status(f.Code), ui.ErrorPage(string(f.Code), f.Key, f.Args))
}

func (s *Server) printerOf(c *fiber.Ctx) *i18n.Printer {
	tag := c.Path()
	if len(tag) > 1 {
		tag = tag[1:]
		for i := range tag {
			if tag[i] == '/' {
				tag = tag[:i]
				break
			}
		}
	}
	if p := s.cfg.Messages.Printer(tag); p != nil && s.cfg.Messages.Offers(tag) {
		return p
	}
	return s.cfg.Messages.Printer(s.cfg.Messages.Preferred(c.Get(fiber.HeaderAcceptLanguage)).Tag)
}
