package split

import (
	"cmp"
	"slices"
	"strings"
)

// byWorth orders contexts by what extracting them brings over what it takes.
func byWorth(c *Candidate) []Context {
	out := slices.Clone(c.Contexts)
	slices.SortStableFunc(out, func(a, b Context) int {
		return cmp.Compare(b.Extract.Value-b.Extract.Price, a.Extract.Value-a.Extract.Price)
	})
	return out
}

func spanning(c *Candidate) int {
	n := 0
	for _, x := range c.Tx {
		if len(x.Contexts) > 1 {
			n++
		}
	}
	return n
}

func nameList(c *Candidate) string {
	var names []string
	for _, x := range c.Own() {
		names = append(names, x.Name)
	}
	return listed(names)
}

// listed joins names as people do, the tail counted.
func listed(names []string) string {
	switch n := len(names); {
	case n == 0:
		return "none"
	case n == 1:
		return names[0]
	case n > 8:
		return strings.Join(names[:7], ", ") + " and others"
	default:
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

func has(list []string, x string) bool { return slices.Contains(list, x) }

func ratio(a, b int) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}
