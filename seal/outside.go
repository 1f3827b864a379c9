package seal

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	aeadsubtle "github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// Outside is who has the key that the file of class keys is sealed under: a
// hardware module or a key service, by the tool that comes with it. Each is a
// command and its arguments. It reads the key (32 bytes), or what became of it, on
// its standard input and writes the other on its standard output.
type Outside struct{ Wrap, Unwrap []string }

// NewOutside takes command lines apart at spaces: there is no shell, and what
// needs one is a script. Nil for none.
func NewOutside(wrap, unwrap string) (*Outside, error) {
	o := &Outside{strings.Fields(wrap), strings.Fields(unwrap)}
	switch {
	case len(o.Wrap) == 0 && len(o.Unwrap) == 0:
		return nil, nil
	case len(o.Wrap) == 0 || len(o.Unwrap) == 0:
		return nil, errors.New("to wrap keys outside takes both commands, the one that wraps and the one that unwraps")
	}
	return o, nil
}

// outsideTakes is how long a command may take.
const outsideTakes = 30 * time.Second

// seal makes a key and has it wrapped. A key that does not come back is never
// used.
func (o *Outside) seal() (wrapped []byte, a tink.AEAD, err error) {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	if wrapped, err = outsideRun(o.Wrap, key); err != nil {
		return nil, nil, err
	}
	back, err := outsideRun(o.Unwrap, wrapped)
	if err != nil {
		return nil, nil, err
	}
	if subtle.ConstantTimeCompare(back, key) != 1 || bytes.Contains(wrapped, key) {
		return nil, nil, errors.New("what the one command wraps, the other does not unwrap")
	}
	a, err = aeadsubtle.NewAESGCM(key)
	return wrapped, a, err
}

func (o *Outside) open(wrapped []byte) (tink.AEAD, error) {
	key, err := outsideRun(o.Unwrap, wrapped)
	if err != nil {
		return nil, err
	}
	if len(key) != 32 {
		return nil, fmt.Errorf("%s gave %d bytes instead of a key of 32", o.Unwrap[0], len(key))
	}
	return aeadsubtle.NewAESGCM(key)
}

// outsideRun says what went wrong in the command's own words; keys go by standard
// input and output alone.
func outsideRun(command []string, in []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), outsideTakes)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	var said bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), &said
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %.300s", command[0], err, strings.TrimSpace(said.String()))
	}
	return out, nil
}
