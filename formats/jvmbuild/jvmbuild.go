// Package jvmbuild reads what Maven's and Gradle's build files say about modules:
// what they are called, what they need, what they build. Gradle's are programs, of
// which only plain declarations are understood.
//
// It only reads.
package jvmbuild

import (
	"bytes"
	"encoding/xml"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Build is a build file.
type Build struct {
	Dir       string
	Name      string // artifact; for Gradle the folder
	Parent    string
	Libraries []string // artifacts that it is built with, but for tests; also modules of the same repository
	Modules   []string // folders that it builds
	Packs     bool     // something that runs: a web archive, a Spring Boot program
	Gradle    bool
}

// Has reports whether a library's name has one of these beginnings.
func (b *Build) Has(prefixes ...string) bool {
	return b != nil && slices.ContainsFunc(b.Libraries, func(l string) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(l, p) })
	})
}

// Effective adds what the parents among all say for their children, and returns
// every library that b is built with.
func Effective(b *Build, all []*Build) []string {
	out := slices.Clone(b.Libraries)
	for range 8 {
		i := slices.IndexFunc(all, func(o *Build) bool { return o != b && b.Parent != "" && o.Name == b.Parent })
		if i < 0 {
			break
		}
		b = all[i]
		out = append(out, b.Libraries...)
	}
	return out
}

type pom struct {
	ArtifactID string `xml:"artifactId"`
	Packaging  string `xml:"packaging"`
	Parent     struct {
		ArtifactID string `xml:"artifactId"`
	} `xml:"parent"`
	Modules      []string `xml:"modules>module"`
	Dependencies []struct {
		ArtifactID string `xml:"artifactId"`
		Scope      string `xml:"scope"`
	} `xml:"dependencies>dependency"`
	Plugins []struct {
		ArtifactID string `xml:"artifactId"`
	} `xml:"build>plugins>plugin"`
}

// Maven reads a pom.xml that stands in dir.
func Maven(src []byte, dir string) (*Build, error) {
	d := xml.NewDecoder(bytes.NewReader(src))
	d.Strict = false
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // names are ASCII
	var p pom
	if err := d.Decode(&p); err != nil {
		return nil, err
	}
	b := &Build{Dir: dir, Name: strings.TrimSpace(p.ArtifactID), Parent: strings.TrimSpace(p.Parent.ArtifactID), Modules: p.Modules, Packs: p.Packaging == "war" || p.Packaging == "ear"}
	if strings.HasPrefix(b.Parent, "spring-boot") {
		b.Libraries = append(b.Libraries, b.Parent)
	}
	for _, d := range p.Dependencies {
		if strings.TrimSpace(d.Scope) != "test" {
			b.Libraries = append(b.Libraries, strings.TrimSpace(d.ArtifactID))
		}
	}
	b.Packs = b.Packs || slices.ContainsFunc(p.Plugins, func(q struct {
		ArtifactID string `xml:"artifactId"`
	}) bool {
		return q.ArtifactID == "spring-boot-maven-plugin"
	})
	return b, nil
}

var (
	artifact = regexp.MustCompile(`["']([\w-]+(?:\.[\w-]+)*):([\w.-]+)(?::[^"'\n]*)?["']`)
	project  = regexp.MustCompile(`project\(\s*(?:path:\s*)?["']:?([\w:.-]+)["']`)
	war      = regexp.MustCompile(`(?m)^\s*(?:apply plugin:\s*|id\s*\(?\s*)['"](?:war|ear|application)['"]|^\s*(?:war|ear|application)\s*$`)
	testing  = regexp.MustCompile(`(?m)^\s*(?:test\w*|classpath|androidTest\w*|mavenBom)\b.*$`)
)

// Gradle reads a build.gradle or build.gradle.kts that stands in dir.
func Gradle(src, dir string) *Build {
	b := &Build{Dir: dir, Name: path.Base(dir), Gradle: true, Packs: strings.Contains(src, "org.springframework.boot") || strings.Contains(src, "spring-boot-gradle-plugin")}
	if b.Packs {
		b.Libraries = append(b.Libraries, "spring-boot")
	}
	b.Packs = b.Packs || war.MatchString(src)
	src = testing.ReplaceAllString(src, "")
	for _, m := range artifact.FindAllStringSubmatch(src, -1) {
		b.Libraries = append(b.Libraries, m[2])
	}
	for _, m := range project.FindAllStringSubmatch(src, -1) {
		b.Libraries = append(b.Libraries, m[1][strings.LastIndexByte(m[1], ':')+1:])
	}
	return b
}
