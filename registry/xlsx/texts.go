package xlsx

import (
	"errors"
	"io"
	"os"
)

// texts are the strings that the cells of a workbook share. A few are kept in
// memory; where there are many, they lie in a file that has no name and ends
// with the program.
type texts struct {
	ends   []uint32 // where each ends
	mem    []byte
	file   *os.File
	size   int64
	blocks [64]block // of the file, those read last: rows use strings in order
}

type block struct {
	number int64
	bytes  []byte
}

const (
	blockSize  = 1 << 16
	textsInMem = 4 << 20
	maxTexts   = 12 << 20
	maxBlob    = 1 << 30
)

var errTexts = errors.New("too many texts")

// add keeps one more.
func (t *texts) add(s string) error {
	if len(t.ends) == maxTexts || t.size+int64(len(s)) > maxBlob {
		return errTexts
	}
	t.mem = append(t.mem, s...)
	t.size += int64(len(s))
	t.ends = append(t.ends, uint32(t.size))
	if len(t.mem) < textsInMem {
		return nil
	}
	if t.file == nil {
		f, err := os.CreateTemp("", "daftar-texts")
		if err != nil {
			return err
		}
		_ = os.Remove(f.Name()) // nothing of it stays, whatever happens
		t.file = f
	}
	return t.flush()
}

func (t *texts) flush() error {
	if t.file == nil {
		return nil
	}
	_, err := t.file.Write(t.mem)
	t.mem = t.mem[:0]
	return err
}

// get is the i-th text.
func (t *texts) get(i int) (string, error) {
	if i < 0 || i >= len(t.ends) {
		return "", errors.New("no such text")
	}
	var from int64
	if i > 0 {
		from = int64(t.ends[i-1])
	}
	to := int64(t.ends[i])
	if t.file == nil {
		return string(t.mem[from:to]), nil
	}
	number := from / blockSize
	if (to-1)/blockSize != number && to > from { // across two blocks
		b := make([]byte, to-from)
		_, err := t.file.ReadAt(b, from)
		return string(b), err
	}
	b, err := t.block(number)
	if err != nil {
		return "", err
	}
	return string(b[from-number*blockSize : to-number*blockSize]), nil
}

func (t *texts) block(number int64) ([]byte, error) {
	slot := &t.blocks[number%int64(len(t.blocks))]
	if slot.bytes != nil && slot.number == number {
		return slot.bytes, nil
	}
	if slot.bytes == nil {
		slot.bytes = make([]byte, blockSize)
	}
	n, err := t.file.ReadAt(slot.bytes[:blockSize], number*blockSize)
	if err != nil && !errors.Is(err, io.EOF) {
		slot.number = -1
		return nil, err
	}
	slot.number = number
	return slot.bytes[:max(n, 0):blockSize][:n], nil
}

func (t *texts) close() {
	if t.file != nil {
		_ = t.file.Close()
	}
}

// readTexts reads the part of shared strings. What stands beside a text to say
// how it is pronounced is no part of it.
func (g *guard) readTexts() (*texts, error) {
	t := &texts{}
	f := g.parts["xl/sharedstrings.xml"]
	if f == nil {
		return t, nil
	}
	r, err := f.Open()
	if err != nil {
		return nil, unreadable(err)
	}
	defer func() { _ = r.Close() }()
	s := newScanner(r, g.lim.Unpacked)
	text, aside := "", 0
	for {
		ev, err := s.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.close()
			return nil, unreadable(err)
		}
		switch {
		case s.is("rPh"):
			aside += map[event]int{opening: 1, closing: -1}[ev]
		case s.is("t") && aside == 0:
			s.keep = ev == opening
			if ev == closing {
				part, err := unescaped(s.text)
				if err != nil {
					t.close()
					return nil, unreadable(err)
				}
				text += part
			}
		case s.is("si") && ev == opening:
			text = ""
		case s.is("si"):
			if err := t.add(text); err != nil {
				t.close()
				if errors.Is(err, errTexts) {
					return nil, g.tooLarge()
				}
				return nil, err
			}
		}
	}
	if err := t.flush(); err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}
