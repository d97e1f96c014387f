package helm

import (
	"strings"
	"text/template"
	"time"
)

// certificate is what genCA and its kin return.
type certificate struct {
	Cert string
	Key  string
}

// maxRandom bounds a random text; longer ones are cut.
const maxRandom = 4096

// fixed are the functions whose result would differ from run to run, or take a
// processor's second, with results that do not.
func fixed() template.FuncMap {
	fill := func(alphabet string) func(n int) string {
		return func(n int) string {
			n = min(max(n, 0), maxRandom)
			return strings.Repeat(alphabet, n/len(alphabet)+1)[:n]
		}
	}
	cert := certificate{
		Cert: "-----BEGIN CERTIFICATE-----\nbm90IGEgcmVhbCBvbmU=\n-----END CERTIFICATE-----\n",
		Key:  "-----BEGIN PRIVATE KEY-----\nbm90IGEgcmVhbCBvbmU=\n-----END PRIVATE KEY-----\n",
	}
	made := func(...any) (certificate, error) { return cert, nil }
	text := func(s string) func(...any) string { return func(...any) string { return s } }
	when := func(v any) time.Time {
		switch t := v.(type) {
		case time.Time:
			return t
		case int64:
			return time.Unix(t, 0).UTC()
		case int:
			return time.Unix(int64(t), 0).UTC()
		}
		return Epoch
	}
	return template.FuncMap{
		"randAlphaNum": fill("aB3dE5gH"), "randAlpha": fill("aBcDeFgH"), "randNumeric": fill("1234567890"), "randAscii": fill("aB3dE5gH"),
		"randBytes": func(n int) (string, error) { return fill("QUFB")(n), nil },
		"randInt":   func(low, _ int) int { return low },
		"shuffle":   func(s string) string { return s },
		"uuidv4":    func() string { return "00000000-0000-4000-8000-000000000000" },
		"now":       func() time.Time { return Epoch },
		"ago":       func(v any) string { return Epoch.Sub(when(v)).Round(time.Second).String() },
		"date":      func(layout string, v any) string { return when(v).UTC().Format(layout) },
		"dateInZone": func(layout string, v any, _ string) string {
			return when(v).UTC().Format(layout)
		},
		"date_in_zone": func(layout string, v any, _ string) string { return when(v).UTC().Format(layout) },
		"htmlDate":     func(v any) string { return when(v).UTC().Format(time.DateOnly) },
		"htmlDateInZone": func(v any, _ string) string {
			return when(v).UTC().Format(time.DateOnly)
		},
		"genPrivateKey": text(cert.Key), "derivePassword": text("derived"), "bcrypt": text("$2a$10$fixed"), "htpasswd": text("user:$2a$10$fixed"),
		"encryptAES": text("ZW5jcnlwdGVk"), "decryptAES": text("decrypted"),
		"genCA": made, "genCAWithKey": made, "genSelfSignedCert": made, "genSelfSignedCertWithKey": made,
		"genSignedCert": made, "genSignedCertWithKey": made, "buildCustomCert": made,
	}
}
