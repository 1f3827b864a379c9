package cases

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"strconv"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
)

// Codes makes the status code that stands on a receipt. It is derived from a
// secret, so that a receipt can be printed again and the database holds
// nothing to steal.
type Codes struct{ Key []byte }

// codeLen characters of the reference alphabet: 31^10 is 49 bits, and there
// are 10 tries a day.
const codeLen = 10

// Of is the status code of a case: "ABCDE-FGHJK".
func (k Codes) Of(c Case) string {
	mac := hmac.New(sha256.New, k.Key)
	mac.Write([]byte("status|" + c.Ref + "|" + strconv.Itoa(c.CodeVersion)))
	code := registry.RandomCode(codeLen, &expand{seed: mac.Sum(nil)})
	return code[:codeLen/2] + "-" + code[codeLen/2:]
}

// expand is a deterministic stream from a seed.
type expand struct {
	seed []byte
	n    byte
}

func (e *expand) Read(b []byte) (int, error) {
	for i := 0; i < len(b); i += sha256.Size {
		block := sha256.Sum256(append(e.seed, e.n))
		e.n++
		copy(b[i:], block[:])
	}
	return len(b), nil
}

// Status is what somebody with a receipt may see without an account: where the
// case stands, and none of the answers.
type Status struct {
	Ref         string
	State       State
	SubmittedAt time.Time
	DueOn       time.Time
}

// tries is how often a code may be tried for one case in a day from one address.
// Others' tries keep nobody out: with 49 bits, ten a day from each of a million
// addresses find a code in two hundred thousand years.
const tries = 10

// byCode answers for a reference and the code on its receipt. A wrong code and a
// case that does not exist give the same fault.NotFound. It counts a wrong try,
// and only that: who has the right code may come as often as they like, unless too
// many from their own address were wrong before.
func byCode(ctx context.Context, d *db.DB, who db.Principal, codes Codes, from, ref, code string) (Status, Case, error) {
	canonical, ok := registry.ParseRef(registry.RefCase, ref)
	if !ok {
		return Status{}, Case{}, fault.Hidden()
	}
	try := canonical + " " + db.Origin(from)
	var n int
	if err := d.WithTx(ctx, who, func(tx db.Tx) (err error) {
		n, err = tx.Attempt("status", try, 24*time.Hour)
		return err
	}); err != nil {
		return Status{}, Case{}, err
	}
	if n > tries {
		return Status{}, Case{}, fault.New(fault.TooMany, "status.error.too_many")
	}
	var c Case
	if err := d.View(ctx, who, func(tx db.Tx) error {
		return tx.Get(&c, `select `+caseColumns+` from case_file c where c.ref = $1 and c.submitted_at is not null`, canonical)
	}); err != nil {
		return Status{}, Case{}, err
	}
	if subtle.ConstantTimeCompare([]byte(registry.Typed(code)), []byte(registry.Typed(codes.Of(c)))) != 1 {
		return Status{}, Case{}, fault.Hidden()
	}
	if err := d.WithTx(ctx, who, func(tx db.Tx) error {
		if err := tx.Spare("status", try, 24*time.Hour); err != nil {
			return err
		}
		return c.decode(tx)
	}); err != nil {
		return Status{}, Case{}, err
	}
	return Status{Ref: c.Ref, State: c.State, SubmittedAt: c.SubmittedAt.Time, DueOn: c.DueOn.Time}, c, nil
}
