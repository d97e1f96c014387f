package archfile

import (
	"encoding/json"
	"maps"
)

// definitions are the named parts of the schema.
type definitions struct{ all map[string]any }

// ref describes a part once.
func (d *definitions) ref(name string, make func() map[string]any) map[string]any {
	if _, ok := d.all[name]; !ok {
		d.all[name] = nil // forms may hold each other
		d.all[name] = make()
	}
	return map[string]any{"$ref": "#/definitions/" + name}
}

// described is a form with what the key means. Draft 7 ignores what stands beside
// a $ref, hence allOf.
func (d *definitions) described(f form, about string) map[string]any {
	s := f.schema(d)
	if about == "" {
		return s
	}
	if _, ok := s["$ref"]; ok {
		return map[string]any{"description": about, "allOf": []any{s}}
	}
	s = maps.Clone(s)
	s["description"] = about
	return s
}

// Schema is the JSON Schema (draft-07) of ashlar.yaml, for editors. It is
// generated from the table that the reader uses, so the two agree; what a schema
// cannot say, such as that a reference leads somewhere, only the reader knows.
func Schema() []byte {
	d := &definitions{map[string]any{}}
	root := systemObject.describe(d)
	root["$schema"] = "http://json-schema.org/draft-07/schema#"
	root["title"] = Name
	root["definitions"] = d.all
	b, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		panic("archfile: " + err.Error()) // plain maps only
	}
	return append(b, '\n')
}
