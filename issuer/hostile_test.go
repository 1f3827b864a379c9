package issuer_test

import (
	"bufio"
	"bytes"
	"net"
	"net/http"
	"strings"
	"testing"
)

// Whatever is posted, the answer is an OAuth error in JSON: system.call checks
// the form of each, this test status and code.
func TestBodiesThatAreNone(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	const typeJSON = "application/json"
	token := s.token(t, "amina", household)
	deep := strings.Repeat(`{"a":`, 12000) + "1" + strings.Repeat("}", 12000)
	wide := []byte(`{"x":"` + strings.Repeat("x", 10<<20) + `"}`)
	for _, c := range []struct {
		name, path, kind, body string
		status                 int
		code                   string
	}{
		{"nothing", "/token", form, "", 400, "unsupported_grant_type"},
		{"JSON", "/token", typeJSON, `{"grant_type":"x"}`, 400, "invalid_request"},
		{"no type", "/token", "", "grant_type=x", 400, "invalid_request"},
		{"multipart", "/token", "multipart/form-data; boundary=x", "--x--", 400, "invalid_request"},
		{"half an escape", "/token", form, "grant_type=%", 400, "invalid_request"},
		{"semicolons", "/token", form, "a=1;b=2", 400, "invalid_request"},
		{"twice", "/token", form, "grant_type=" + preAuthorized + "&grant_type=" + preAuthorized, 400, "invalid_request"},
		{"null bytes", "/token", form, "grant_type=" + preAuthorized + "&pre-authorized_code=%00%ff&tx_code=%00", 400, "invalid_grant"},
		{"long code", "/token", form, "grant_type=" + preAuthorized + "&pre-authorized_code=" + strings.Repeat("A", 60000), 400, "invalid_grant"},
		{"ten megabytes", "/token", form, "grant_type=" + strings.Repeat("A", 10<<20), 413, "invalid_request"},
		{"nothing", "/credential", typeJSON, "", 400, "invalid_credential_request"},
		{"a form", "/credential", form, "credential_configuration_id=" + household, 400, "invalid_credential_request"},
		{"half", "/credential", typeJSON, `{"credential_configuration_id":`, 400, "invalid_credential_request"},
		{"two", "/credential", typeJSON, `{}{}`, 400, "invalid_credential_request"},
		{"HTML", "/credential", typeJSON, `<html><script>alert(1)</script>`, 400, "invalid_credential_request"},
		{"deep", "/credential", typeJSON, deep[:60000], 400, "invalid_credential_request"},
		{"not UTF-8", "/credential", typeJSON, "{\"credential_configuration_id\":\"\xff\xfe\"}", 400, "invalid_credential_request"},
		{"a member twice", "/credential", typeJSON, `{"credential_configuration_id":"x","credential_configuration_id":"` + household + `","proofs":{"jwt":["x"]}}`, 400, "invalid_credential_request"},
		{"a member in capitals", "/credential", typeJSON, `{"credential_configuration_id":"` + household + `","PROOFS":{"jwt":["x"]}}`, 400, "invalid_proof"},
		{"ten megabytes", "/credential", typeJSON, string(wide), 413, "invalid_request"},
		{"half", "/notification", typeJSON, `{"notification_id":"`, 400, "invalid_notification_request"},
		{"not UTF-8", "/notification", typeJSON, "{\"notification_id\":\"\xff\",\"event\":\"credential_accepted\"}", 400, "invalid_notification_request"},
		{"ten megabytes", "/notification", typeJSON, string(wide), 413, "invalid_request"},
		{"ten megabytes", "/nonce", "", string(wide), 413, "invalid_request"},
		{"unzipped", "/credential", typeJSON, "\x1f\x8b\x08\x00", 400, "invalid_credential_request"},
	} {
		a := s.call(t, http.MethodPost, c.path, c.kind, []byte(c.body), "Authorization", "Bearer "+token)
		refused(t, c.path+" "+c.name, a, c.status, c.code)
	}
	packed := s.call(t, http.MethodPost, "/credential", typeJSON, []byte("\x1f\x8b\x08\x00"), "Authorization", "Bearer "+token, "Content-Encoding", "gzip")
	refused(t, "packed", packed, 400, "invalid_credential_request")
}

func TestAddressesThatAreNone(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	for _, path := range []string{
		"/", "/x", "/token", "/nonce", "/credential", "/notification", "/offers", "/offers/", "/offers/x", "/offers/%00", "/offers/%ff",
		"/offers/" + strings.Repeat("x", 3000), "/vct/household-registration", "/vct/household-registration/2", "/vct/household-registration/3000000000", "/vct/x/1", "/vct/household-registration/01",
		"/.well-known/jwks.json", "/.well-known/", "/en", "/assets/app.js", "/status", "//", "/..%2f",
	} {
		refused(t, path, s.get(t, path), 404, "not_found")
	}
	for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodPatch} {
		if a := s.call(t, method, "/token", "", nil); a.status/100 != 4 || a.status == 403 {
			t.Errorf("%s: %d %s", method, a.status, a.raw)
		}
	}
	a := s.call(t, http.MethodOptions, "/credential", "", nil, "Origin", "https://wallet.example", "Access-Control-Request-Method", "POST")
	if a.status != 204 || !strings.Contains(a.header.Get("Access-Control-Allow-Headers"), "DPoP") || a.header.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("preflight: %d %v", a.status, a.header)
	}
}

// What Go's client would not send.
func TestRawRequests(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	for name, request := range map[string]string{
		"bytes in the path":   "GET /offers/\xff\xfe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
		"bytes in a header":   "POST /credential HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\xfe\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
		"bytes in DPoP":       "POST /token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nDPoP: \xff.\xff.\xff\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
		"an endless header":   "GET /nonce HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 20<<10) + "\r\nConnection: close\r\n\r\n",
		"no method":           "\x00\x01\x02 HTTP/1.1\r\n\r\n",
		"a body that is less": "POST /token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\n",
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = conn.Write([]byte(request))
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else {
			var body bytes.Buffer
			_, _ = body.ReadFrom(res.Body)
			_ = res.Body.Close()
			if res.StatusCode < 400 || res.StatusCode >= 500 || !strings.HasPrefix(body.String(), `{"error":`) {
				t.Errorf("%s: %d %s", name, res.StatusCode, body.String())
			}
		}
		_ = conn.Close()
	}
}
