package telemetry

import (
	"log/slog"
	"regexp"
	"strings"
)

// Redacted stands where something secret was.
const Redacted = "[redacted]"

// Redact says what must not be in logs, beyond the defaults: values of keys
// that have one of password, passwd, secret, token, authorization, cookie,
// credential, apikey, privatekey or session as a part (case and separators do
// not matter), and in any text bearer tokens, JWTs, private keys in PEM and
// passwords in URLs. It catches slips; it is no licence to log secrets.
type Redact struct {
	// Keys are further parts of keys.
	Keys []string
	// Allow are keys, exactly, whose values are shown all the same: "token_count".
	Allow []string
	// Patterns are further texts; what matches is replaced.
	Patterns []*regexp.Regexp
}

var secretKeys = []string{"password", "passwd", "secret", "token", "authorization", "cookie", "credential", "apikey", "privatekey", "session"}

var secretTexts = []struct {
	hint string // must be there: searching for it is cheap
	re   *regexp.Regexp
	with string
}{
	{"earer ", regexp.MustCompile(`(?i)\bbearer +[\w.~+/=-]+`), "Bearer " + Redacted},
	{"eyJ", regexp.MustCompile(`\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*`), Redacted},
	{"PRIVATE KEY", regexp.MustCompile(`(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|$)`), Redacted},
	{"://", regexp.MustCompile(`(://[^/\s:@]*:)[^/\s@]+@`), "${1}" + Redacted + "@"},
}

// redactor applies a Redact.
type redactor struct {
	keys     []string
	allow    map[string]bool
	patterns []*regexp.Regexp
}

func newRedactor(r Redact) *redactor {
	out := &redactor{keys: secretKeys, allow: map[string]bool{}, patterns: r.Patterns}
	for _, k := range r.Keys {
		out.keys = append(out.keys[:len(out.keys):len(out.keys)], squeeze(k))
	}
	for _, k := range r.Allow {
		out.allow[k] = true
	}
	return out
}

// squeeze makes API_KEY, api-key and apiKey one.
func squeeze(key string) string {
	return strings.NewReplacer("_", "", "-", "", ".", "", " ", "").Replace(strings.ToLower(key))
}

func (r *redactor) secretKey(key string) bool {
	if r.allow[key] {
		return false
	}
	k := squeeze(key)
	for _, part := range r.keys {
		if strings.Contains(k, part) {
			return true
		}
	}
	return false
}

// text replaces what looks secret in a text.
func (r *redactor) text(s string) string {
	for _, p := range secretTexts {
		if strings.Contains(s, p.hint) || (p.hint == "earer " && strings.Contains(s, "EARER ")) {
			s = p.re.ReplaceAllString(s, p.with)
		}
	}
	for _, p := range r.patterns {
		s = p.ReplaceAllString(s, Redacted)
	}
	return s
}

// attr redacts an attribute, groups inside out.
func (r *redactor) attr(a slog.Attr) slog.Attr {
	v := a.Value.Resolve()
	if v.Kind() != slog.KindGroup && r.secretKey(a.Key) {
		return slog.String(a.Key, Redacted)
	}
	switch v.Kind() {
	case slog.KindString:
		return slog.String(a.Key, r.text(v.String()))
	case slog.KindGroup:
		all := r.secretKey(a.Key) // everything inside "credentials" is secret
		group := v.Group()
		out := make([]slog.Attr, len(group))
		for i, g := range group {
			if all {
				out[i] = slog.String(g.Key, Redacted)
			} else {
				out[i] = r.attr(g)
			}
		}
		return slog.Attr{Key: a.Key, Value: slog.GroupValue(out...)}
	case slog.KindAny:
		switch x := v.Any().(type) {
		case error:
			return slog.String(a.Key, r.text(x.Error()))
		case nil:
			return slog.Attr{Key: a.Key, Value: v}
		case interface{ String() string }:
			return slog.String(a.Key, r.text(x.String()))
		}
		return slog.Any(a.Key, r.deep(v.Any()))
	}
	return slog.Attr{Key: a.Key, Value: v}
}
