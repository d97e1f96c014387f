// Package gitlog reads what git prints of a history: the plain output of
//
//	git log --name-only        (or --name-status, --numstat)
//
// in git's default format, so that no special one has to be remembered.
//
// It only reads.
package gitlog

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Commit is one commit with the files that it changed.
type Commit struct {
	ID      string
	Author  string // name
	Email   string
	When    time.Time // zero when the date is of a form that is not git's default
	Subject string    // first line of the message
	Body    string    // the rest
	Merge   bool
	Files   []string // as git writes them, relative to the root of the repository; of a renamed file the new name
}

// ErrNotLog says that a text is something else.
var ErrNotLog = errors.New("this is not what git log prints: want lines as `commit 1f3a…`, `Author: …`, and names of files from --name-only")

var (
	header = regexp.MustCompile(`^commit ([0-9a-f]{7,64})(?: .*)?$`)
	author = regexp.MustCompile(`^Author:\s+(.*?)\s*<([^>]*)>\s*$`)
	status = regexp.MustCompile(`^[ACDMRTUXB][0-9]{0,3}\t`)
	counts = regexp.MustCompile(`^(?:[0-9]+|-)\t(?:[0-9]+|-)\t`)
)

// Is reports whether the first bytes of a file are a log.
func Is(first []byte) bool {
	line, rest, _ := bytes.Cut(first, []byte("\n"))
	return header.Match(bytes.TrimRight(line, "\r")) && (bytes.Contains(rest, []byte("Author:")))
}

// Parse reads a log. Lines that are none of git's are passed over.
func Parse(r io.Reader) ([]Commit, error) {
	sc := bufio.NewScanner(r)
	sc.Buffer(make([]byte, 64<<10), 16<<20)
	var out []Commit
	var c *Commit
	body := false
	for sc.Scan() {
		line := strings.TrimRight(sc.Text(), "\r")
		if m := header.FindStringSubmatch(line); m != nil {
			out = append(out, Commit{ID: m[1]})
			c, body = &out[len(out)-1], false
			continue
		}
		if c == nil {
			if strings.TrimSpace(line) != "" {
				return nil, ErrNotLog
			}
			continue
		}
		switch {
		case line == "":
		case strings.HasPrefix(line, "    "):
			if text := strings.TrimSpace(line); c.Subject == "" {
				c.Subject = text
			} else {
				c.Body = strings.TrimSpace(c.Body + "\n" + text)
			}
			body = true
		case !body && strings.HasPrefix(line, "Merge:"):
			c.Merge = true
		case !body && author.MatchString(line):
			m := author.FindStringSubmatch(line)
			c.Author, c.Email = m[1], m[2]
		case !body && strings.HasPrefix(line, "Date:"):
			c.When, _ = time.Parse("Mon Jan _2 15:04:05 2006 -0700", strings.TrimSpace(strings.TrimPrefix(line, "Date:")))
		default:
			if f := name(line); f != "" {
				c.Files = append(c.Files, f)
			}
		}
	}
	return out, sc.Err()
}

// name takes the name of a file from a line of any of the three forms.
func name(line string) string {
	switch {
	case status.MatchString(line):
		parts := strings.Split(line, "\t")
		line = parts[len(parts)-1]
	case counts.MatchString(line):
		line = strings.SplitN(line, "\t", 3)[2]
		if before, rest, ok := strings.Cut(line, "{"); ok { // src/{old => new}/x.go
			if moved, after, ok := strings.Cut(rest, "}"); ok {
				if _, to, ok := strings.Cut(moved, " => "); ok {
					line = strings.ReplaceAll(before+to+after, "//", "/")
				}
			}
		} else if _, to, ok := strings.Cut(line, " => "); ok {
			line = to
		}
	}
	if strings.HasPrefix(line, `"`) { // what is not plain is quoted
		if s, err := strconv.Unquote(line); err == nil {
			return s
		}
	}
	if strings.HasSuffix(line, ":") || strings.HasPrefix(line, " ") {
		return "" // another header
	}
	return line
}
