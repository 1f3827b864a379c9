package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"

	"daftar/db"
	"daftar/fault"
)

// Config is every option, as a flag and as an environment variable.
type Config struct {
	PortBase int    `name:"port-base" env:"DAFTAR_PORT_BASE" default:"8080" help:"First of six ports: portal, admin, issuer, api, ops, mockid."`
	Listen   string `env:"DAFTAR_LISTEN" default:"127.0.0.1" help:"Address to listen on."`
	StateDir string `name:"state-dir" env:"DAFTAR_STATE_DIR" help:"Directory of keys, evidence and the private database server." type:"path"`
	LogLevel string `name:"log-level" env:"DAFTAR_LOG_LEVEL" default:"warn" enum:"debug,info,warn,error" help:"Least severe log lines to write. info has one line per request."`

	PortalURL string   `name:"portal-url" env:"DAFTAR_PORTAL_URL" help:"Public origin of the portal."`
	AdminURL  string   `name:"admin-url" env:"DAFTAR_ADMIN_URL" help:"Public origin of the admin area."`
	IssuerURL string   `name:"issuer-url" env:"DAFTAR_ISSUER_URL" help:"Public origin of the issuer: the credential issuer identifier."`
	APIURL    string   `name:"api-url" env:"DAFTAR_API_URL" help:"Public origin of the API."`
	Proxies   []string `env:"DAFTAR_PROXIES" help:"Addresses of reverse proxies whose X-Forwarded-For is believed."`

	DatabaseURL        string `name:"database-url" env:"DAFTAR_DATABASE_URL" help:"The migrator's connection string. Unset: a private server."`
	DatabaseURLCitizen string `name:"database-url-citizen" env:"DAFTAR_DATABASE_URL_CITIZEN" help:"Connection string of role daftar_citizen."`
	DatabaseURLStaff   string `name:"database-url-staff" env:"DAFTAR_DATABASE_URL_STAFF" help:"Connection string of role daftar_staff."`
	DatabaseURLIssuer  string `name:"database-url-issuer" env:"DAFTAR_DATABASE_URL_ISSUER" help:"Connection string of role daftar_issuer."`
	DatabaseURLAPI     string `name:"database-url-api" env:"DAFTAR_DATABASE_URL_API" help:"Connection string of role daftar_api."`
	DatabaseURLJobs    string `name:"database-url-jobs" env:"DAFTAR_DATABASE_URL_JOBS" help:"Connection string of role daftar_jobs."`
	DatabaseURLAuditor string `name:"database-url-auditor" env:"DAFTAR_DATABASE_URL_AUDITOR" help:"Connection string of role daftar_auditor."`

	AuditCheckpointsDir string `name:"audit-checkpoints-dir" env:"DAFTAR_AUDIT_CHECKPOINTS_DIR" help:"Directory of a second party that every checkpoint of the audit log is added to."`

	CitizenIssuer   string `name:"citizen-issuer" env:"DAFTAR_CITIZEN_ISSUER" help:"OpenID issuer of the national ID. The demo has its own."`
	CitizenClientID string `name:"citizen-client-id" env:"DAFTAR_CITIZEN_CLIENT_ID" default:"daftar-portal" help:"Our client id there."`
	CitizenSecret   string `name:"citizen-client-secret" env:"DAFTAR_CITIZEN_CLIENT_SECRET" help:"Our secret there; unset: private_key_jwt."`
	CitizenIDClaim  string `name:"citizen-id-claim" env:"DAFTAR_CITIZEN_ID_CLAIM" default:"individual_id" help:"Claim with the national identifier."`
	StaffIssuer     string `name:"staff-issuer" env:"DAFTAR_STAFF_ISSUER" help:"OpenID issuer of the staff directory. The demo has its own."`
	StaffClientID   string `name:"staff-client-id" env:"DAFTAR_STAFF_CLIENT_ID" default:"daftar-admin" help:"Our client id there."`
	StaffSecret     string `name:"staff-client-secret" env:"DAFTAR_STAFF_CLIENT_SECRET" help:"Our secret there; unset: private_key_jwt."`
	SMTPAddress     string `name:"smtp-address" env:"DAFTAR_SMTP_ADDRESS" help:"Mail server, host:port. Unset: no e-mail; the demo writes it to a file."`
	SMTPTLS         string `name:"smtp-tls" env:"DAFTAR_SMTP_TLS" default:"starttls" enum:"starttls,tls,off" help:"How the connection to it is encrypted; off: to this machine only."`
	SMTPUser        string `name:"smtp-user" env:"DAFTAR_SMTP_USER" help:"User name there; unset: it asks nobody."`
	SMTPPassword    string `name:"smtp-password" env:"DAFTAR_SMTP_PASSWORD" help:"Password there."`
	SMTPFrom        string `name:"smtp-from" env:"DAFTAR_SMTP_FROM" help:"Sender of e-mail: an address, perhaps with a name."`

	TwilioAccount string `name:"twilio-account" env:"DAFTAR_TWILIO_ACCOUNT" help:"Account SID of the text message gateway. Unset: no text messages; the demo writes them to a file."`
	TwilioToken   string `name:"twilio-token" env:"DAFTAR_TWILIO_TOKEN" help:"Auth token there; it also signs what the gateway reports."`
	TwilioURL     string `name:"twilio-url" env:"DAFTAR_TWILIO_URL" default:"https://api.twilio.com" help:"Its address."`
	SMSFrom       string `name:"sms-from" env:"DAFTAR_SMS_FROM" help:"Sender of text messages: a number, or a messaging service's SID."`

	ClamdAddress string `name:"clamd-address" env:"DAFTAR_CLAMD_ADDRESS" help:"ClamAV's daemon, host:port or the path of its socket: uploads are held back until scanned. Unset: they are not scanned."`
	Chromium     string `name:"chromium" env:"DAFTAR_CHROMIUM,CHROME_PATH" help:"Chromium for PDFs. Unset: looked for; without it pages are printed by the browser."`

	KeysWrap   string `name:"keys-wrap" env:"DAFTAR_KEYS_WRAP" help:"Command that wraps the key of keys/seal.json, from standard input to standard output: the tool of a hardware module or a key service. Unset: the file is in the clear."`
	KeysUnwrap string `name:"keys-unwrap" env:"DAFTAR_KEYS_UNWRAP" help:"Command that unwraps it."`

	StrongACR string `name:"strong-acr" env:"DAFTAR_STRONG_ACR" default:"high" help:"acr value of a strong sign-in."`
	StepUp    string `name:"step-up" env:"DAFTAR_STEP_UP" default:"either" enum:"either,passkey,sign-in,off" help:"What staff do before they approve, export or give roles: use a passkey, sign in again in the strong way, or either of them. off: the staff directory demands it at every sign-in."`
}

// secrets are options whose value is never printed.
var secrets = []string{"database-url", "database-url-citizen", "database-url-staff", "database-url-issuer", "database-url-api",
	"database-url-jobs", "database-url-auditor", "citizen-client-secret", "staff-client-secret", "smtp-password", "twilio-token"}

// checkEnvironment refuses a DAFTAR_ variable that no option has: a misspelt
// one would silently do nothing.
func checkEnvironment(environ []string, model *kong.Application) error {
	var known []string
	for _, flags := range [][]*kong.Flag{model.Flags} {
		for _, f := range flags {
			known = append(known, f.Envs...)
		}
	}
	for _, pair := range environ {
		name, _, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, "DAFTAR_") && !slices.Contains(known, name) {
			return fmt.Errorf("unknown environment variable %s (\"daftar config\" lists the options)", name)
		}
	}
	return nil
}

type configCmd struct{}

// Run prints every option, its value and where it comes from; of secrets only
// whether they are set.
func (configCmd) Run(c *Config, model *kong.Application) error {
	for _, f := range model.Flags {
		if f.Name == "help" {
			continue
		}
		value, source := fmt.Sprint(f.Target.Interface()), "default"
		for _, env := range f.Envs {
			if _, ok := os.LookupEnv(env); ok {
				source = env
				break
			}
		}
		if slices.ContainsFunc(os.Args, func(a string) bool { return a == "--"+f.Name || strings.HasPrefix(a, "--"+f.Name+"=") }) {
			source = "--" + f.Name
		}
		if f.Name == "state-dir" && value == "" {
			value = c.stateDir()
		}
		if slices.Contains(secrets, f.Name) && value != "" {
			value = "(set)"
		}
		fmt.Printf("%-24s %-40s %s\n", f.Name, value, source)
	}
	return nil
}

// The ports, from the base.
const (
	portPortal = iota
	portAdmin
	portIssuer
	portAPI
	portOps
	portMockID
)

func (c *Config) address(port int) string {
	return net.JoinHostPort(c.Listen, strconv.Itoa(c.PortBase+port))
}

// origin is a site's public origin: the configured one, else localhost.
func (c *Config) origin(configured string, port int, tls bool) string {
	if configured != "" {
		return strings.TrimSuffix(configured, "/")
	}
	scheme := "http"
	if tls {
		scheme = "https"
	}
	return scheme + "://localhost:" + strconv.Itoa(c.PortBase+port)
}

func (c *Config) loopback() bool {
	ip := net.ParseIP(c.Listen)
	return c.Listen == "localhost" || ip != nil && ip.IsLoopback()
}

// stateDir is where keys, evidence and the private server live.
func (c *Config) stateDir() string {
	switch {
	case c.StateDir != "":
		return c.StateDir
	case os.Geteuid() == 0:
		return "/var/lib/daftar"
	case os.Getenv("XDG_STATE_HOME") != "":
		return filepath.Join(os.Getenv("XDG_STATE_HOME"), "daftar")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return filepath.Join(os.TempDir(), "daftar")
	}
	return filepath.Join(home, ".local", "state", "daftar")
}

// checkOrigins refuses public addresses that are no origins: pages, cookies and
// the credential issuer identifier (OpenID4VCI 12.2.1) are compared with them
// to the letter.
func (c *Config) checkOrigins(demo bool) error {
	for _, o := range []struct{ variable, value string }{
		{"DAFTAR_PORTAL_URL", c.PortalURL}, {"DAFTAR_ADMIN_URL", c.AdminURL}, {"DAFTAR_ISSUER_URL", c.IssuerURL}, {"DAFTAR_API_URL", c.APIURL},
	} {
		u, err := url.Parse(strings.TrimSuffix(o.value, "/"))
		if o.value != "" && (err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.Scheme+"://"+u.Host != u.String()) {
			return usageError{fmt.Errorf("%s is %q; it must be an origin such as https://registry.example, without a path", o.variable, o.value)}
		}
		if !demo && o.value != "" && u.Scheme != "https" && u.Hostname() != "localhost" {
			return usageError{fmt.Errorf("%s is %q; outside a demo people and wallets need https", o.variable, o.value)}
		}
	}
	return nil
}

// roleURL is the configured connection string of a role.
func (c *Config) roleURL(r db.Role) string {
	return map[db.Role]string{
		db.Citizen: c.DatabaseURLCitizen, db.Staff: c.DatabaseURLStaff, db.Issuer: c.DatabaseURLIssuer,
		db.API: c.DatabaseURLAPI, db.Jobs: c.DatabaseURLJobs, db.Auditor: c.DatabaseURLAuditor,
	}[r]
}

// plain is an error as one line for the operator, with what to do where that is
// known.
func plain(err error) string {
	var f *fault.Error
	if errors.As(err, &f) {
		if advice, ok := advice[f.Key]; ok {
			if f.Cause != nil {
				return advice + " (" + f.Cause.Error() + ")"
			}
			return advice
		}
	}
	return strings.TrimSpace(err.Error())
}

// advice words the faults that commands can meet.
var advice = map[string]string{
	"error.unavailable":             "the database does not answer",
	"error.not_found":               "there is no such record",
	"error.out_of_order":            "that was done already, or something has to come first",
	"error.separate_hands":          "somebody else has to do this: who proposed or checked cannot decide",
	"error.stale":                   "the record changed since this was proposed: look at it again",
	"credential.error.not_entitled": "this person is not entitled to that credential now",
	"offer.error.too_many":          "too many offers for this person today",
	"import.error.again":            "these very files were loaded before: nothing was done",
	"import.error.nothing":          "there is nothing in the files to import",
}
