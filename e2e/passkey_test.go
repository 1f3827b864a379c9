package e2e

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
)

// authenticator gives a browser a virtual one, built in, that knows its owner.
func (b *Browser) authenticator() webauthn.AuthenticatorID {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, webauthn.Enable, webauthn.EnableParams{}); err != nil {
		b.t.Fatal(err)
	}
	made, err := chromedp.Call(b.ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
		HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
	}})
	if err != nil {
		b.t.Fatal(err)
	}
	return made.AuthenticatorID
}

// TestPasskey: an approver adds a passkey, is stopped before a decision, proves
// with the key that it is still she, and goes on to what she wanted. A bad
// signature does not help, nor does a copy of the key, of which the data
// protection officer hears. Without scripts there is the sign-in.
func TestPasskey(t *testing.T) {
	t.Parallel()
	s := ownSystem(t)
	ref := signedIn(t, s.portal(), "en", "rosa").applies(t, "/apply", rosasHousehold())
	verifier := signedIn(t, s.admin(), "en", "verifier")
	verifier.recommends(t, ref, "approve")

	b := newBrowser(t, "passkey", s.admin(), "en", true)
	device := b.authenticator()
	b.open("/sign-in")
	b.choose("acr", "normal")
	b.signIn("approver")
	b.open("/passkeys")
	b.says(b.say("passkey.none"))
	b.look("none")
	b.fill("name", "Work computer")
	b.next()
	b.says(b.say("stepup.title")) // a key is not added on a sign-in alone
	b.press("#step-up")
	b.signIn("approver")
	b.next() // send it
	b.look("make")
	b.press("#passkey")
	b.says(b.say("passkey.done.added"), "Work computer", b.say("passkey.never"))
	b.look("list")

	longAgo := func() { s.sql(t, `update session set strong_at = strong_at - interval '10 minutes'`) }
	returns := func() {
		longAgo()
		b.open("/cases/" + ref + "/decide")
		b.choose("decision", "return")
		b.fill("note", "Please measure the roof again")
		b.next()
		b.says(b.say("stepup.title"), b.say("stepup.kept"))
	}
	before := s.caseAsItIs(t, ref)
	returns()
	b.look("asked")

	bogus, genuine := true, false
	override := func(is *bool) {
		if _, err := chromedp.Call(b.ctx, webauthn.SetResponseOverrideBits, webauthn.SetResponseOverrideBitsParams{AuthenticatorID: device, IsBogusSignature: is}); err != nil {
			t.Fatal(err)
		}
	}
	override(&bogus)
	b.press("#passkey")
	b.says(b.say("passkey.refused.answer"), b.say("stepup.kept"))
	if s.caseAsItIs(t, ref) != before {
		t.Fatal("it went through on a bad signature")
	}
	override(&genuine)
	b.press("#passkey")
	b.says(b.say("stepup.done"))
	b.next()
	b.says("Please measure the roof again")
	if s.caseAsItIs(t, ref) == before {
		t.Fatal("it did not go through after the passkey")
	}

	// Without scripts the sign-in is what there is.
	verifier.recommends(t, ref, "approve")
	returns()
	b.allowScripts(false)
	b.open(strings.TrimPrefix(b.location(), s.admin()+"/en"))
	if there := b.find(`[...document.querySelectorAll('#passkey, #step-up')].filter(e => e.offsetParent).map(e => e.id).join()`); there != "step-up" {
		t.Errorf("without scripts: %s", there)
	}
	b.allowScripts(true)

	// A copy of the key was used in the meantime, more often than this one.
	s.sql(t, `update passkey set sign_count = sign_count + 10`)
	b.open(strings.TrimPrefix(b.location(), s.admin()+"/en"))
	b.press("#passkey")
	b.says(b.say("passkey.refused.counter"))
	if there := b.find(`String(!!document.querySelector('#passkey'))`); there != "false" {
		t.Error("the key is offered again")
	}
	b.look("copied")
	b.open("/passkeys")
	b.says(b.say("passkey.copied"))

	dpo := newBrowser(t, "passkey-dpo", s.admin(), "en", false)
	dpo.open("/sign-in")
	dpo.signIn("dpo")
	dpo.open("/alerts")
	dpo.says(dpo.say("alert.kind.passkey"))
	dpo.press("tbody a")
	dpo.says(dpo.say("alert.means.passkey"))
	dpo.look("alert")
}
