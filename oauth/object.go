package oauth

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"
)

var errObject = errors.New("not one JSON object with members of different names")

// Object reads the members of a JSON object by their exact names. Go's decoder
// takes the last of two members of one name, and a name in any case; another
// program may have read the first.
func Object(b []byte) (map[string]json.RawMessage, error) {
	if !utf8.Valid(b) {
		return nil, errObject
	}
	d := json.NewDecoder(bytes.NewReader(b))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errObject
	}
	members := map[string]json.RawMessage{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, errObject
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, errObject
		}
		if _, twice := members[name.(string)]; twice {
			return nil, errObject
		}
		members[name.(string)] = value
	}
	if _, err := d.Token(); err != nil {
		return nil, errObject
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errObject
	}
	return members, nil
}

// Text is a member that is a string; "" when it is missing.
func Text(members map[string]json.RawMessage, name string) (string, error) {
	var s string
	if raw, ok := members[name]; ok {
		if err := json.Unmarshal(raw, &s); err != nil {
			return "", err
		}
	}
	return s, nil
}
