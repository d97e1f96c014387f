package helm

// Values are nested map[string]any. The values of a chart, weakest first: its own
// values.yaml, its parent's under its name, the values files in their order.

// Lay lays one values file over another and returns a new tree; null takes a key
// away only when values meet a chart's own, see [Chart.Render].
func Lay(base, over map[string]any) map[string]any {
	out := clone(base)
	for k, v := range over {
		if b, ok := out[k].(map[string]any); ok {
			if m, ok := v.(map[string]any); ok {
				out[k] = Lay(b, m)
				continue
			}
		}
		out[k] = cloneAny(v)
	}
	return out
}

func clone(m map[string]any) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = cloneAny(v)
	}
	return out
}

func cloneAny(v any) any {
	switch x := v.(type) {
	case map[string]any:
		return clone(x)
	case []any:
		out := make([]any, len(x))
		for i := range x {
			out[i] = cloneAny(x[i])
		}
		return out
	}
	return v
}

// coalesced gives a chart and its sub charts the values that they see: in, which
// came from above and is changed, over the charts' own.
func coalesced(c *Chart, in map[string]any) map[string]any {
	own := clone(c.Values)
	for k, v := range own {
		given, ok := in[k]
		switch table, isTable := given.(map[string]any); {
		case !ok:
			in[k] = v
		case given == nil:
			delete(in, k)
		case isTable:
			if below, ok := v.(map[string]any); ok {
				under(table, below, c.sub(k) != nil)
			}
		}
	}
	for _, s := range c.Charts {
		name := s.Metadata.Name
		table, ok := in[name].(map[string]any)
		if !ok {
			table = map[string]any{}
			in[name] = table
		}
		globals(table, in)
		in[name] = coalesced(s, table)
	}
	return in
}

func (c *Chart) sub(name string) *Chart {
	for _, s := range c.Charts {
		if s.Metadata.Name == name {
			return s
		}
	}
	return nil
}

// under fills dst with what it lacks of src. A null in dst takes the key away,
// unless keep is set: it then still has to meet a sub chart's own values.
func under(dst, src map[string]any, keep bool) {
	for k, v := range src {
		d, ok := dst[k]
		switch {
		case !ok:
			dst[k] = v
		case d == nil:
			if !keep && v != nil {
				delete(dst, k)
			}
		default:
			a, isA := d.(map[string]any)
			b, isB := v.(map[string]any)
			if isA && isB {
				under(a, b, keep)
			}
		}
	}
}

// globals hands a parent's global values to a sub chart; the parent's win.
func globals(sub, parent map[string]any) {
	from, ok := parent["global"].(map[string]any)
	if !ok && parent["global"] != nil {
		return
	}
	to, ok := sub["global"].(map[string]any)
	if !ok && sub["global"] != nil {
		return
	}
	if to == nil {
		to = map[string]any{}
	}
	for k, v := range from {
		table, isTable := v.(map[string]any)
		old, has := to[k]
		oldTable, oldIs := old.(map[string]any)
		switch {
		case isTable && has && oldIs:
			m := clone(table)
			under(m, oldTable, true)
			to[k] = m
		case isTable && has, !isTable && oldIs:
		default:
			to[k] = cloneAny(v)
		}
	}
	sub["global"] = to
}

// lookup follows a path of keys parted by dots.
func lookupPath(v map[string]any, path []string) (any, bool) {
	for i, p := range path {
		x, ok := v[p]
		if !ok || i == len(path)-1 {
			return x, ok
		}
		if v, ok = x.(map[string]any); !ok {
			return nil, false
		}
	}
	return v, true
}
