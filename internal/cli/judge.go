package cli

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ashlar-dev/ashlar/design/advise/decide"
	"github.com/ashlar-dev/ashlar/design/advise/decisions"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/design/review/rules"
)

// judgement is what every verb that reviews takes.
type judgement struct {
	input
	baseline, newFrom, against string
}

// review discovers, judges, and sets aside what the users accept.
func (a *app) review(j *judgement, paths []string) (*discover.Result, *review.Result, error) {
	var before *review.Before
	if j.against != "" {
		b, done, err := a.before(j, paths)
		defer done()
		if err != nil {
			return nil, nil, err
		}
		before = b
	}
	r, res, s, err := a.judge(&j.input, paths, before)
	if err != nil {
		return nil, nil, err
	}
	name := j.baseline
	if name == "" {
		name = s.Baseline
	}
	if name != "" {
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, nil, fmt.Errorf("baseline: %w; `ashlar baseline -o %s` writes one", err, name)
		}
		base, err := review.ParseBaseline(b)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", name, err)
		}
		res.Subtract(base, name, time.Now())
	}
	if j.newFrom != "" {
		before, err := a.revision(j, paths)
		if err != nil {
			return nil, nil, err
		}
		res.OnlyNew(before)
	}
	return r, res, nil
}

// judge reviews as ashlar.yaml says, suppressions included.
func (a *app) judge(in *input, paths []string, before *review.Before) (*discover.Result, *review.Result, review.Settings, error) {
	r, err := a.read(in, paths)
	if err != nil {
		return nil, nil, review.Settings{}, err
	}
	catalogue := rules.All()
	s, err := review.ReadSettings(r.Documents, catalogue)
	if err != nil {
		return nil, nil, s, err
	}
	c := &review.Case{System: r.System, Documents: r.Documents, Code: r.Code, Environment: in.environment, Config: s.Rules, Paths: paths, Before: before}
	res := review.Run(c, catalogue)
	decide.Link(res.Findings, decisions.All())
	res.Accept(c, s.Suppress, time.Now())
	return r, res, s, nil
}

// revision reviews the paths as they were in a revision of their repository.
func (a *app) revision(j *judgement, paths []string) (*review.Result, error) {
	old, done, err := a.checkouts("--new-from", j.newFrom, paths)
	defer done()
	if err != nil {
		return nil, err
	}
	old = slices.DeleteFunc(old, func(p string) bool { return p == "" })
	if len(old) == 0 { // all of it is new
		return &review.Result{}, nil
	}
	_, res, _, err := a.judge(&j.input, old, nil)
	if errors.Is(err, discover.ErrNothing) {
		return &review.Result{}, nil
	}
	return res, err
}

// before discovers what --against names: a folder or file that stands for the one
// path, or a revision of the repository of the paths.
func (a *app) before(j *judgement, paths []string) (b *review.Before, done func(), err error) {
	done = func() {}
	b = &review.Before{Name: j.against}
	if _, err := os.Stat(j.against); err == nil && len(paths) == 1 {
		b.Paths = []string{j.against}
	} else {
		b.Paths, done, err = a.checkouts("--against", j.against, paths)
		if err != nil {
			return nil, done, err
		}
	}
	there := slices.DeleteFunc(slices.Clone(b.Paths), func(p string) bool { return p == "" })
	if len(there) == 0 {
		return b, done, nil // nothing was there that could break
	}
	r, err := a.read(&j.input, there)
	if errors.Is(err, discover.ErrNothing) {
		return b, done, nil
	}
	if err != nil {
		return nil, done, fmt.Errorf("--against %s: %w", j.against, err)
	}
	b.System, b.Documents = r.System, r.Documents
	return b, done, nil
}

// checkouts writes paths as they were in a revision below a folder of their own,
// and returns where, in their order; "" for what the revision does not have. done
// removes them and is never nil.
func (a *app) checkouts(flag, rev string, paths []string) (old []string, done func(), err error) {
	tmp, err := os.MkdirTemp("", "ashlar-*")
	if err != nil {
		return nil, func() {}, &exit{ExitEnvironment, err}
	}
	done = func() { _ = os.RemoveAll(tmp) }
	for i, p := range paths {
		if p == "-" {
			return nil, done, errors.New(flag + " needs files: standard input has no history")
		}
		there, err := a.checkout(flag, rev, p, filepath.Join(tmp, fmt.Sprint(i)))
		if err != nil {
			return nil, done, err
		}
		old = append(old, there)
	}
	return old, done, nil
}

// checkout writes a path as it was in a revision below a folder, and returns
// where; "" when the revision does not have it.
func (a *app) checkout(flag, rev, path, to string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", &exit{ExitEnvironment, err}
	}
	dir := abs
	if fi, err := os.Stat(abs); err == nil && !fi.IsDir() {
		dir = filepath.Dir(abs)
	}
	top, err := a.git(dir, "rev-parse", "--show-toplevel")
	if err != nil {
		return "", err
	}
	root := strings.TrimSpace(string(top))
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		abs = real
	}
	rel, err := filepath.Rel(root, abs)
	if err != nil {
		return "", &exit{ExitEnvironment, err}
	}
	if _, err := a.git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", rev+"^{commit}"); err != nil {
		return "", fmt.Errorf("%s %s: the repository of %s has no such revision", flag, rev, path)
	}
	rel = filepath.ToSlash(rel)
	if rel != "." {
		if _, err := a.git(root, "cat-file", "-e", rev+":"+rel); err != nil {
			return "", nil
		}
	}
	b, err := a.git(root, "archive", "--format=tar", rev, "--", rel)
	if err != nil {
		return "", err
	}
	if err := extract(b, to); err != nil {
		return "", &exit{ExitEnvironment, err}
	}
	return filepath.Join(to, filepath.FromSlash(rel)), nil
}

func (a *app) git(dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(a.ctx, "git", append([]string{"-C", dir}, args...)...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return nil, &exit{ExitEnvironment, fmt.Errorf("git %s: %w %s", args[0], err, strings.TrimSpace(errs.String()))}
	}
	return out, nil
}

// extract writes the regular files of a tar below a folder and nowhere else.
func extract(b []byte, to string) error {
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	root, err := os.OpenRoot(to)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	for r := tar.NewReader(bytes.NewReader(b)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name := filepath.FromSlash(strings.TrimSuffix(h.Name, "/"))
		switch h.Typeflag {
		case tar.TypeDir:
			if err := root.MkdirAll(name, 0o700); err != nil {
				return err
			}
		case tar.TypeReg:
			if err := root.MkdirAll(filepath.Dir(name), 0o700); err != nil {
				return err
			}
			f, err := root.Create(name)
			if err != nil {
				return err
			}
			_, err = io.Copy(f, r)
			if err = errors.Join(err, f.Close()); err != nil {
				return err
			}
		}
	}
}
