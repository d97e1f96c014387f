package helm_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/formats/helm"
)

func TestValuesAt(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"a: {{ .Values.image.tag }}": "1 image.tag",
		"a\nb: {{ $.Values.x | default .Chart.Name | quote }}-{{ .Values.y }}":                   "2 x y",
		"{{- with .Values.resources }}\nr: {{ toYaml . }}\nl: {{ .limits.cpu }}\n{{- end }}":     "1 resources, 2 resources, 3 resources.limits.cpu",
		"{{ range .Values.hosts }}\nh: {{ .name }} {{ $.Values.z }} {{ .Values.no }}\n{{ end }}": "1 hosts, 2 hosts.name z hosts.Values.no",
		"{{ if and .Values.on (not .Values.off) }}\nx\n{{ else }}\n{{ .Values.e }}{{ end }}":     "1 on off, 4 e",
		"{{ $v := .Values.a }}\n{{ $v.b }} {{ include \"x\" . }}":                                "1 a",
		"{{ define \"x\" }}{{ .Values.inner }}{{ end }}{{ .Release.Name }}":                      "",
		"{{ .Values.broken": "",
	} {
		at := helm.ValuesAt([]byte(text))
		var got []string
		for line := 1; line < 9; line++ {
			var paths []string
			for _, p := range at[line] {
				paths = append(paths, strings.Join(p, "."))
			}
			if len(paths) > 0 {
				got = append(got, fmt.Sprintf("%d %s", line, strings.Join(paths, " ")))
			}
		}
		if s := strings.Join(got, ", "); s != want {
			t.Errorf("%q: %q, want %q", text, s, want)
		}
	}
}

func FuzzValuesAt(f *testing.F) {
	f.Add("{{ with .Values.a }}{{ range .b }}{{ . }}{{ end }}{{ end }}")
	f.Add("{{ $ }}{{ $.Values }}{{ (.Values.a).b }}")
	f.Fuzz(func(t *testing.T, text string) {
		for line := range helm.ValuesAt([]byte(text)) {
			if line < 1 || line > strings.Count(text, "\n")+1 {
				t.Errorf("line %d of %q", line, text)
			}
		}
	})
}
