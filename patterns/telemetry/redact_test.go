package telemetry_test

import (
	"errors"
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/patterns/telemetry"
)

func TestSecretsStayOutOfLogs(t *testing.T) {
	t.Parallel()
	const s = "hunter2secretvalue"
	const jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxMjM0NSJ9.c2lnbmF0dXJl"
	tel, log := start(t, func(o *telemetry.Options) {
		o.Redact = telemetry.Redact{Keys: []string{"tax-id"}, Allow: []string{"token_count"}, Patterns: []*regexp.Regexp{regexp.MustCompile(`\b\d{16}\b`)}}
	})
	l := tel.Logger()
	type login struct {
		User     string
		Password string
		Nested   map[string]any
	}
	l.Info("x", "password", s, "DB_PASSWORD", s, "apiKey", s, "X-Api-Key", s, "Set-Cookie", s, "access_token", s, "taxID", s)
	l.Info("calling with Bearer " + s + " and bearer " + s)
	l.Info(jwt, "error", errors.New("dial postgres://app:"+s+"@db:5432/shop"), "key", "-----BEGIN RSA PRIVATE KEY-----\n"+s+"\n-----END RSA PRIVATE KEY-----")
	l.Info("card 4111111111111111")
	l.With("secret", s).WithGroup("g").Info("y", slog.Group("h", slog.String("token", s)), slog.Group("credentials", "user", s))
	l.Info("whole", "login", login{"ann", s, map[string]any{"session_id": s, "list": []any{map[string]string{"passwd": s}}}})
	l.Info("whole", "login", &login{User: "ann", Password: s})
	l.Info("lazy", "token", lazy(s), "v", group(s))
	text := log.String()
	for _, bad := range []string{s, jwt, "4111111111111111"} {
		if strings.Contains(text, bad) {
			t.Errorf("%q is in the log:\n%s", bad, text)
		}
	}
	l.Info("fine", "token_count", 42, "user", "ann", "url", "https://shop.example/a?b=c", "n", 1<<60+1)
	all := lines(t, log.String())
	last := all[len(all)-1]
	if last["token_count"] != 42.0 || last["user"] != "ann" || last["url"] != "https://shop.example/a?b=c" {
		t.Errorf("too much was taken out: %v", last)
	}
}

type lazy string

func (l lazy) LogValue() slog.Value { return slog.StringValue(string(l)) }

type group string

func (g group) LogValue() slog.Value { return slog.GroupValue(slog.String("password", string(g))) }

func FuzzRedact(f *testing.F) {
	f.Add("Bearer abc", "password")
	f.Add("postgres://u:p@h/d -----BEGIN PRIVATE KEY-----", "x.y")
	f.Add("eyJabcdefghij.x.", "")
	f.Fuzz(func(t *testing.T, text, key string) {
		tel, log := start(t, nil)
		tel.Logger().Info(text, key, text, "whole", map[string]string{key: text})
		got := log.String()
		lines(t, got)
		if strings.Contains(got, "-----BEGIN PRIVATE KEY-----") {
			t.Fatalf("%q", got)
		}
	})
}
