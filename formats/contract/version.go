package contract

import (
	"regexp"
	"strings"
)

var (
	versionField = regexp.MustCompile(`(?i)^(ce[-_]?)?((schema|event|message|type|spec|payload|data)?[-_]?version|dataschema|schema[-_]?(id|url|uri|ref)|ver)$`)
	versionWord  = regexp.MustCompile(`(?i)(?:^|[._/: -])v([0-9]+(?:[._][0-9]+)*)(?:$|[._/: #-])|([0-9]+-[0-9]+-[0-9]+)$|[a-z]V([0-9]+)$`)
)

// Version is by what a reader of a value tells revisions of its shape apart: the
// one value that a field of that name may have, or the field itself; "" when no
// field tells. specversion of CloudEvents is the envelope's, not the event's.
func Version(s *Shape) string {
	if s == nil {
		return ""
	}
	for _, f := range s.Fields {
		if !versionField.MatchString(f.Name) || strings.EqualFold(f.Name, "specversion") || strings.EqualFold(f.Name, "ce_specversion") || strings.EqualFold(f.Name, "ce-specversion") {
			continue
		}
		if f.Shape != nil && len(f.Shape.Values) == 1 {
			return f.Shape.Values[0].Text
		}
		return "the field " + f.Name
	}
	return ""
}

// VersionOf finds a version in a name: order-placed.v2, /v1/orders, OrderPlacedV2,
// 1-0-2 at the end of an Iglu reference.
func VersionOf(name string) string {
	m := versionWord.FindStringSubmatch(name)
	if m == nil {
		return ""
	}
	for _, g := range m[1:] {
		if g != "" {
			return g
		}
	}
	return ""
}
