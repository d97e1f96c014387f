package bus

import (
	"encoding/json"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
)

// AsyncAPI returns the AsyncAPI 3.0 document of the catalog: a channel a topic, a
// message and a payload schema a version of a type, and a send operation for
// every type's current version. The same catalog gives the same bytes.
func (c *Catalog) AsyncAPI(title, version string) ([]byte, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	type object = map[string]any
	channels, operations, messages, schemas := object{}, object{}, object{}, object{}
	for topic, types := range c.topics {
		id := identifier(topic)
		refs := object{}
		channels[id] = object{"address": topic, "messages": refs}
		for _, name := range names(types) {
			t := types[name]
			for _, v := range versions(t) {
				m := identifier(name) + ".v" + strconv.Itoa(v.number)
				msg := object{"name": name, "title": name + " version " + strconv.Itoa(v.number), "contentType": t.ContentType,
					"headers": object{"type": "object", "properties": object{versionAttribute: object{"const": v.number}}}}
				if t.Description != "" {
					msg["description"] = t.Description
				}
				if v.number != t.Version {
					msg["x-deprecated"] = true
				}
				if v.schema != nil {
					schemas[m] = v.schema
					msg["payload"] = object{"$ref": "#/components/schemas/" + m}
				}
				messages[m] = msg
				refs[m] = object{"$ref": "#/components/messages/" + m}
			}
			current := identifier(name) + ".v" + strconv.Itoa(t.Version)
			operations["send."+identifier(name)] = object{"action": "send", "channel": object{"$ref": "#/channels/" + id},
				"messages": []object{{"$ref": "#/channels/" + id + "/messages/" + current}}}
		}
	}
	return json.MarshalIndent(object{
		"asyncapi": "3.0.0", "info": object{"title": title, "version": version}, "defaultContentType": jsonType,
		"channels": channels, "operations": operations, "components": object{"messages": messages, "schemas": schemas},
	}, "", "  ")
}

type schemaVersion struct {
	number int
	schema json.RawMessage
}

func versions(t *entry) []schemaVersion {
	out := []schemaVersion{{t.Version, t.Schema}}
	for _, e := range t.Earlier {
		out = append(out, schemaVersion{e.Version, e.Schema})
	}
	slices.SortFunc(out, func(a, b schemaVersion) int { return a.number - b.number })
	return out
}

// identifier keeps what AsyncAPI allows in a component's name. A name that loses
// something thereby gets a mark of the whole, lest two of them become one.
func identifier(s string) string {
	id := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '-', r == '_':
			return r
		}
		return '_'
	}, s)
	if id == s {
		return id
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(s)) // never fails
	return id + "-" + strconv.FormatUint(uint64(h.Sum32()), 16)
}
