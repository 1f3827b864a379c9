package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
)

// Twilio sends text messages through Twilio's Programmable Messaging, as of its
// API version 2010-04-01.
type Twilio struct {
	Base     string // "https://api.twilio.com"
	Account  string // SID
	Token    string
	From     string // a number, or the SID of a messaging service ("MG…")
	Callback string // where what became of a message is reported; "" for nowhere
	Client   *http.Client
}

// Text hands one message to the gateway.
func (t *Twilio) Text(ctx context.Context, m Text) (string, error) {
	form := url.Values{"To": {m.To}, "Body": {m.Body}}
	if strings.HasPrefix(t.From, "MG") {
		form.Set("MessagingServiceSid", t.From)
	} else {
		form.Set("From", t.From)
	}
	if t.Callback != "" {
		form.Set("StatusCallback", t.Callback)
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	var left atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { left.Store(true) }})
	address := t.Base + "/2010-04-01/Accounts/" + url.PathEscape(t.Account) + "/Messages.json"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(t.Account, t.Token)
	req.GetBody = nil // a request that may have left is not repeated by the transport
	res, err := t.Client.Do(req)
	if err != nil {
		if left.Load() {
			return "", ErrUnsure
		}
		return "", Away{Code: "gateway connection"}
	}
	defer func() { _ = res.Body.Close() }()
	var answer struct {
		SID  string `json:"sid"`
		Code int    `json:"code"`
	}
	raw, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err == nil {
		err = json.Unmarshal(raw, &answer)
	}
	switch {
	case res.StatusCode == http.StatusCreated && err == nil && answer.SID != "":
		return answer.SID, nil
	case res.StatusCode < 300:
		return "", ErrUnsure // accepted, it seems, and we do not know as what
	case res.StatusCode == http.StatusTooManyRequests || res.StatusCode >= 500 || res.StatusCode == http.StatusUnauthorized:
		return "", Away{Code: "gateway " + strconv.Itoa(res.StatusCode)} // wrong credentials are ours to mend
	}
	return "", Refused{Code: "gateway " + strconv.Itoa(answer.Code)}
}

// Delivery is what a gateway reports of a message that it took.
type Delivery struct {
	Ref       string // as Text returned it
	Delivered bool   // on the phone
	Failed    bool
	Code      string // why it failed
}

// Report reads a status callback. false when the signature is not the
// gateway's: address is where the callback was sent to, as the gateway knows
// it, and form everything that was posted.
// https://www.twilio.com/docs/usage/security#validating-requests
func (t *Twilio) Report(address string, form url.Values, signature string) (Delivery, bool) {
	names := make([]string, 0, len(form))
	for name := range form {
		names = append(names, name)
	}
	slices.Sort(names)
	signed := address
	for _, name := range names {
		for _, value := range form[name] {
			signed += name + value
		}
	}
	mac := hmac.New(sha1.New, []byte(t.Token)) // the gateway's choice
	mac.Write([]byte(signed))
	want := base64.StdEncoding.EncodeToString(mac.Sum(nil))
	if t.Token == "" || subtle.ConstantTimeCompare([]byte(want), []byte(signature)) != 1 || form.Get("AccountSid") != t.Account {
		return Delivery{}, false
	}
	d := Delivery{Ref: form.Get("MessageSid")}
	switch form.Get("MessageStatus") {
	case "delivered":
		d.Delivered = true
	case "undelivered", "failed":
		d.Failed, d.Code = true, "gateway "+digits(form.Get("ErrorCode"))
	}
	return d, d.Ref != ""
}

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s[:min(len(s), 10)])
}
