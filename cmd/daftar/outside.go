package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"daftar/db"
	"daftar/notify"
	"daftar/registry/cases"
	"daftar/registry/deadline"
	"daftar/registry/letters"
	"daftar/registry/notices"
	"daftar/registry/quarantine"
	"daftar/scan"
)

// What leaves the house and what looks at what came in: gateways, the scanner.

// gateway is the text message gateway; nil when none is set up.
func (c *Config) gateway(portal string) (*notify.Twilio, error) {
	if c.TwilioAccount == "" {
		return nil, nil
	}
	if c.TwilioToken == "" || c.SMSFrom == "" {
		return nil, usageError{errors.New("DAFTAR_TWILIO_ACCOUNT is set, so DAFTAR_TWILIO_TOKEN and DAFTAR_SMS_FROM are needed too")}
	}
	t := &notify.Twilio{Base: c.TwilioURL, Account: c.TwilioAccount, Token: c.TwilioToken, From: c.SMSFrom, Client: &http.Client{}}
	if c.PortalURL != "" { // one that the gateway can reach
		t.Callback = portal + smsReports
	}
	return t, nil
}

// smsReports is where the gateway reports what became of a message.
const smsReports = "/hooks/sms"

// out is what carries notices: the gateways that are set up; in the demo, a
// file in place of those that are not.
func (p *parts) out() (notices.Out, error) {
	out := notices.Out{Messages: p.messages, Link: p.origins["portal"]}
	if p.cmd.Demo {
		file := &notify.File{Path: filepath.Join(p.c.stateDir(), "sent", "messages.jsonl"), Clock: time.Now}
		out.Mail, out.Text = file, file
	}
	if p.c.SMTPAddress != "" {
		mailer, err := notify.NewSMTP(notify.SMTPConfig{
			Address: p.c.SMTPAddress, TLS: p.c.SMTPTLS, User: p.c.SMTPUser, Password: p.c.SMTPPassword, From: p.c.SMTPFrom, Clock: time.Now,
		})
		if err != nil {
			return out, usageError{fmt.Errorf("DAFTAR_SMTP_…: %w", err)}
		}
		out.Mail = mailer
	}
	if p.gateway != nil {
		out.Text = p.gateway
	}
	return out, nil
}

// workshop is the worker with everything that it works with.
func (p *parts) workshop() (workshop, error) {
	w := workshop{s: p.s, log: p.log, messages: p.messages, checkpoints: p.c.AuditCheckpointsDir, scanner: quarantine.Scanner{DB: p.s.db, Blobs: p.s.blobs, Found: cases.FileUnsafe}}
	var err error
	if p.c.ClamdAddress != "" {
		if w.scanner.Clamd, err = scan.New(p.c.ClamdAddress); err != nil {
			return w, usageError{fmt.Errorf("DAFTAR_CLAMD_ADDRESS: %w", err)}
		}
	}
	w.out, err = p.out()
	return w, err
}

// installTexts adds the texts of letters that came with the program.
func (p *parts) installTexts(ctx context.Context) error {
	return p.s.db.WithTx(ctx, db.Principal{Role: db.Jobs, Kind: "job"}, func(tx db.Tx) error { return letters.Install(tx, p.messages) })
}

// beat says every minute that the portal runs: a gap is an outage, and nobody
// loses a day to it.
func (p *parts) beat(ctx context.Context) error {
	for {
		err := p.s.db.WithTx(ctx, db.Principal{Role: db.Jobs, Kind: "job"}, func(tx db.Tx) error { return deadline.Beat(tx, "portal") })
		if err != nil && ctx.Err() == nil {
			p.log.Warn("pulse", "error", db.Quiet(err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Minute):
		}
	}
}
