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
	in := a.listen()
	asked, kept := []advise.Question{}, 0
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
			said, err := in(file, kept)
			if errors.Is(err, io.EOF) {
				_, _ = fmt.Fprintln(a.stderr)
				return nil
			}
			if err != nil {
				return err
			}
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
				kept++
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

// most is how long a line may be that answers a question.
const most = 64 << 10

// listen returns what waits for the next line of standard input, without the
// space around it. It gives up when the program is interrupted, which reading
// alone would not notice; its error is io.EOF at the end of the input.
func (a *app) listen() func(file string, kept int) (string, error) {
	type line struct {
		text string
		err  error
	}
	lines, wanted := make(chan line), make(chan struct{})
	go func() { // ends with the input, or waits with it for the end of the program
		in := bufio.NewScanner(a.stdin)
		in.Buffer(nil, most)
		for range wanted {
			l := line{err: io.EOF}
			if in.Scan() {
				l = line{text: strings.TrimSpace(in.Text())}
			} else if in.Err() != nil {
				l.err = in.Err()
			}
			select {
			case lines <- l:
			case <-a.ctx.Done():
				return
			}
		}
	}()
	return func(file string, kept int) (string, error) {
		stopped := func() error {
			_, _ = fmt.Fprintln(a.stderr)
			return &exit{ExitEnvironment, fmt.Errorf("interrupted: %s given so far, %s", count(kept, "answer"), wherever(file, kept))}
		}
		select {
		case wanted <- struct{}{}:
		case <-a.ctx.Done():
			return "", stopped()
		}
		select {
		case l := <-lines:
			if errors.Is(l.err, bufio.ErrTooLong) {
				l.err = fmt.Errorf("an answer is longer than %d bytes: is standard input what you meant to answer with?", most)
			}
			return l.text, l.err
		case <-a.ctx.Done():
			return "", stopped()
		}
	}
}

func wherever(file string, kept int) string {
	if kept == 0 {
		return file + " is as it was"
	}
	return "which " + file + " says"
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
