package doc

import (
	"regexp"
	"strings"
)

// Mask stands where a secret stood.
const Mask = "***"

var (
	secretName = regexp.MustCompile(`(?i)(pass(word|wd|phrase)?|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential|auth[_-]?key|signing|salt|dsn|connection[_-]?string)`)
	// harmlessName: names that speak of a secret without holding one.
	harmlessName = regexp.MustCompile(`(?i)(secret(name|keyref|ref|provider|_?name)$|token(_?(url|uri|endpoint|issuer|type|ttl|expiry|lifetime))$|pass(_?through|port)|password(_?(policy|length|file)|file)$|secret_?file$|token_?file$|key_?ref$)`)
	userinfo     = regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]*://)[^\s/@"'` + "`" + `]*@`)
	assignment   = regexp.MustCompile(`(?i)\b([\w.-]*(?:password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|accountkey)[\w.-]*)(\s*[=:]\s*)([^\s&;,"'}]+|"[^"]*"|'[^']*')`)
	// shapes of well-known credentials, wherever they stand.
	shapes = regexp.MustCompile(`(AKIA|ASIA)[0-9A-Z]{12,}|gh[pousr]_[0-9A-Za-z]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abprs]-[\w-]{10,}|eyJ[\w-]{6,}\.[\w-]{4,}\.?[\w-]*|sk-[A-Za-z0-9_-]{20,}|AIza[\w-]{30,}|-----BEGIN[^-]*PRIVATE KEY-----`)
)

// SecretName reports whether a key or variable of this name probably holds a
// secret.
func SecretName(name string) bool {
	return secretName.MatchString(name) && !harmlessName.MatchString(name)
}

// Redact masks what looks like a secret in a text that is about to be shown:
// user names and passwords in URLs, assignments to secret names, well-known
// shapes of credentials.
func Redact(s string) string {
	s = userinfo.ReplaceAllString(s, "${1}"+Mask+"@")
	s = shapes.ReplaceAllString(s, Mask)
	return assignment.ReplaceAllStringFunc(s, func(m string) string {
		p := assignment.FindStringSubmatch(m)
		if !SecretName(p[1]) {
			return m
		}
		return p[1] + p[2] + Mask
	})
}

// RedactValue masks a value whose name is known.
func RedactValue(name, value string) string {
	if value != "" && SecretName(name) {
		return Mask
	}
	return Redact(value)
}

// RedactLine masks a line of a configuration file: the value of a secret name,
// and any value at all of a `value:` or a `data:` entry, whose name stands on
// another line.
func RedactLine(line string) string {
	key, val, ok := strings.Cut(line, ":")
	if ok && strings.TrimSpace(val) != "" {
		name := strings.Trim(strings.TrimLeft(key, " \t-"), `"' `)
		if SecretName(name) || strings.EqualFold(name, "value") || looksEncoded(strings.TrimSpace(val)) {
			return key + ": " + Mask
		}
	}
	return Redact(line)
}

// looksEncoded: long base64, as in a Secret's data.
func looksEncoded(s string) bool {
	if len(s) < 24 || strings.ContainsAny(s, " ./:{[(") {
		return false
	}
	var upper, lower, digit bool
	for _, r := range s {
		upper = upper || r >= 'A' && r <= 'Z'
		lower = lower || r >= 'a' && r <= 'z'
		digit = digit || r >= '0' && r <= '9'
	}
	return upper && lower && digit
}
