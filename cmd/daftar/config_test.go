package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

func TestUnknownVariablesAreNamed(t *testing.T) {
	t.Parallel()
	var c cli
	model := kong.Must(&c).Model
	for environ, want := range map[string]string{
		"DAFTAR_LISTEN=127.0.0.1": "", "DAFTAR_DATABASE_URL_CITIZEN=x": "", "PATH=/bin": "", "XDAFTAR_X=1": "",
		"DAFTAR_LISTENS=::1": "DAFTAR_LISTENS", "DAFTAR_=": "DAFTAR_", "DAFTAR_listen=x": "DAFTAR_listen", "DAFTAR_DATABASE_PASSWORD=hunter2": "DAFTAR_DATABASE_PASSWORD",
	} {
		err := checkEnvironment([]string{"HOME=/", environ}, model)
		if (err != nil) != (want != "") || err != nil && (!strings.Contains(err.Error(), want+" ") || strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("%s: %v", environ, err)
		}
	}
}

func TestEveryOptionHasItsVariable(t *testing.T) {
	t.Parallel()
	var c cli
	secret := regexp.MustCompile("secret|password|token|database-url")
	for _, f := range kong.Must(&c).Model.Flags {
		want := []string{"DAFTAR_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))}
		if f.Name == "chromium" {
			want = append(want, "CHROME_PATH") // the name that other programs use
		}
		if f.Name != "help" && (!slices.Equal(f.Envs, want) || f.Help == "") {
			t.Errorf("--%s: %v %q", f.Name, f.Envs, f.Help)
		}
		if secret.MatchString(f.Name) != slices.Contains(secrets, f.Name) {
			t.Errorf("--%s: is it a secret?", f.Name)
		}
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for listen, want := range map[string]bool{"127.0.0.1": true, "::1": true, "localhost": true, "127.1.2.3": true, "0.0.0.0": false, "::": false, "10.0.0.1": false, "": false, "example": false} {
		if got := (&Config{Listen: listen}).loopback(); got != want {
			t.Errorf("%q: %v", listen, got)
		}
	}
	c := &Config{Listen: "::1", PortBase: 9000}
	for got, want := range map[string]string{
		c.address(portIssuer):                            "[::1]:9002",
		c.origin("", portAdmin, false):                   "http://localhost:9001",
		c.origin("", portAdmin, true):                    "https://localhost:9001",
		c.origin("https://a.example/", portAdmin, false): "https://a.example",
	} {
		if got != want {
			t.Errorf("%s instead of %s", got, want)
		}
	}
}

func TestOriginsAreBare(t *testing.T) {
	t.Parallel()
	for origin, good := range map[string]bool{
		"": true, "https://a.example": true, "https://a.example/": true, "http://localhost:8082": true, "https://[::1]:8": true,
		"ftp://a.example": false, "a.example": false, "https://a.example/path": false, "https://a.example?x": false, "https://u@a.example": false, "https://": false,
	} {
		if err := (&Config{IssuerURL: origin}).checkOrigins(true); (err == nil) != good {
			t.Errorf("%q: %v", origin, err)
		}
	}
	for origin, good := range map[string]bool{"https://a.example": true, "http://localhost:8080": true, "http://a.example": false} {
		if err := (&Config{PortalURL: origin}).checkOrigins(false); (err == nil) != good {
			t.Errorf("outside a demo, %q: %v", origin, err)
		}
	}
}

func TestServeRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	for name, run := range map[string]func() error{
		"a demo for the world": func() error { return serveCmd{Demo: true}.Run(t.Context(), &Config{Listen: "0.0.0.0"}) },
		"no database":          func() error { return serveCmd{}.Run(t.Context(), &Config{Listen: "127.0.0.1"}) },
		"no provider":          func() error { return serveCmd{}.Run(t.Context(), &Config{Listen: "127.0.0.1", DatabaseURL: "x"}) },
	} {
		if err, ok := run().(usageError); !ok || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReportKeepsFormulasInert(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"": "", "12": "12", "=1+1": "'=1+1", "-3": "'-3", "@x": "'@x", "\tx": "'\tx"} {
		if got := inert(in); got != want {
			t.Errorf("%q", got)
		}
	}
	if got := beside("/data/households.csv", "rejects"); got != "households.rejects.csv" {
		t.Error(got)
	}
}
