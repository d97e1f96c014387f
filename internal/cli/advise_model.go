package cli

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/archfile"
	"github.com/ashlar-dev/ashlar/design/advise"
)

// modelFile is the ashlar.yaml that a verb writes to: that which was named, else
// the one among the paths, else a new one in the first folder.
func modelFile(named string, paths []string) (string, error) {
	if named != "" {
		if base := filepath.Base(named); base != archfile.Name && !strings.HasSuffix(base, "."+archfile.Name) {
			return "", fmt.Errorf("--model %s: a file of this name would not be read as a model: want .../%s", named, archfile.Name)
		}
		return named, nil
	}
	var found []string
	folder := ""
	for _, p := range paths {
		info, err := os.Stat(p)
		switch {
		case filepath.Base(p) == archfile.Name, strings.HasSuffix(p, "."+archfile.Name):
			found = append(found, filepath.Clean(p))
		case err == nil && info.IsDir():
			folder = cmp.Or(folder, p)
			if f := filepath.Join(p, archfile.Name); exists(f) {
				found = append(found, f)
			}
		}
	}
	slices.Sort(found)
	found = slices.Compact(found)
	switch len(found) {
	case 0:
		return filepath.Join(folder, archfile.Name), nil
	case 1:
		return found[0], nil
	}
	return "", fmt.Errorf("there are several models (%s): say which with --model", strings.Join(found, ", "))
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// updateModel writes what s says into the file, keeping all else of it, and
// reports whether that changed it.
func updateModel(file string, s arch.System) (changed bool, err error) {
	old, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, &exit{ExitEnvironment, err}
	}
	b, err := archfile.Write(old, s, &archfile.Options{Path: file})
	if err != nil || bytes.Equal(old, b) {
		return false, err
	}
	if err := replaceFile(file, b); err != nil {
		return false, &exit{ExitEnvironment, err}
	}
	return true, nil
}

// interview asks what the answers lack, one question after the other, and writes
// each answer into the model before it asks on: what was said is kept when the
// terminal goes away. read answers again from the model.
func (a *app) interview(file string, read func() (arch.System, []advise.Question, error)) error {
	in := bufio.NewScanner(a.stdin)
	asked := []advise.Question{}
	for {
		s, questions, err := read()
		if err != nil {
			return err
		}
		q, left := nextQuestion(questions, asked)
		if left == 0 {
			return nil
		}
		asked = append(asked, q)
		for {
			_, _ = fmt.Fprintf(a.stderr, "%s\n  %s, for example %s; empty: not known; . ends (%d open)\n> ", q.Text, q.Key, q.Example, left)
			if !in.Scan() {
				_, _ = fmt.Fprintln(a.stderr)
				return in.Err()
			}
			said := strings.TrimSpace(in.Text())
			if said == "." {
				return nil
			}
			if said == "" {
				break
			}
			patch, err := q.Answer(s, said)
			if err == nil {
				_, err = updateModel(file, patch)
			}
			if err == nil {
				break
			}
			var env *exit
			if errors.As(err, &env) {
				return err
			}
			_, _ = fmt.Fprintln(a.stderr, err)
		}
	}
}

// nextQuestion is the first that can be answered by a key and was not asked yet.
func nextQuestion(questions []advise.Question, asked []advise.Question) (q advise.Question, left int) {
	var open []advise.Question
	for _, y := range questions {
		same := func(z advise.Question) bool {
			return y.Of == z.Of && y.Call == z.Call && y.Key == z.Key && y.Example == z.Example
		}
		if y.Key != "" && !slices.ContainsFunc(asked, same) && !slices.ContainsFunc(open, same) {
			open = append(open, y)
		}
	}
	if len(open) == 0 {
		return q, 0
	}
	return open[0], len(open)
}

// applied writes the settings of the answers into the model and says what it did.
func (a *app) applied(w io.Writer, file string, s arch.System, answers []advise.Answer) error {
	patch, err := advise.Apply(s, answers)
	if err != nil {
		return err
	}
	changed, err := updateModel(file, patch)
	if err != nil {
		return err
	}
	what := "says so already"
	if changed {
		what = "updated: " + count(len(patch.Edges()), "call")
	}
	_, err = fmt.Fprintf(w, "%s %s\n", file, what)
	return err
}
