// Package notify carries words out of the house: by e-mail and by text message.
// It knows addresses and texts and nothing of people.
package notify

import (
	"context"
	"errors"
)

// Mail is one e-mail, in plain text.
type Mail struct {
	ID      string // of the message here; its Message-ID is made from it
	To      string
	Subject string
	Body    string
	Lang    string
}

// Text is one text message.
type Text struct {
	ID   string
	To   string // in the international form, with "+"
	Body string
}

// Mailer sends e-mail. A nil error means that a mail server has accepted it.
type Mailer interface {
	Mail(ctx context.Context, m Mail) error
}

// Texter sends text messages: the seam to a gateway. ref is the gateway's own
// name for the message, under which it reports what became of it; "" when it
// does not.
type Texter interface {
	Text(ctx context.Context, t Text) (ref string, err error)
}

// Refused is an error that trying again will not mend: there is no such
// address, or the gateway will not serve it. Code says why and holds nothing
// personal.
type Refused struct{ Code string }

func (r Refused) Error() string { return "refused: " + r.Code }

// ErrUnsure means that the message left, and that no answer came: it may or may
// not arrive.
var ErrUnsure = errors.New("no answer after the message was handed over")

// Away is an error that may pass: nothing was accepted, and the message can be
// sent again. Code holds nothing personal.
type Away struct{ Code string }

func (a Away) Error() string { return "not accepted now: " + a.Code }
