package treesource

import (
	"bytes"
	"encoding/xml"
	"io"
	"strings"

	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/treesource/facts"
)

// mappers are statements of mapper files, by type and method.
type mappers struct{ by map[string][]facts.Mapped }

// webRoutes are routes that web.xml and struts.xml give to classes.
type webRoutes struct{ list []facts.Route }

// appenders are hosts that a logging configuration writes to.
type appenders struct {
	host string
	pos  code.Pos
}

func beside(h discover.Head) bool {
	switch {
	case h.Size > 4<<20:
		return false
	case h.Base == "pom.xml":
		return false // of the settings' source
	case builds(h) != nil:
		return true
	case h.Ext == ".sql":
		return !strings.Contains(h.Path, "/test/")
	case h.Ext == ".conf", h.Ext == ".config":
		return strings.Contains(strings.ToLower(h.Path), "logstash")
	case h.Ext != ".xml" || strings.Contains(h.Path, "/src/test/"):
		return false
	}
	return h.Base == "web.xml" || strings.HasPrefix(h.Base, "struts") || strings.HasPrefix(h.Base, "logback") || h.Has("<mapper ", "<mapper\n", "<sqlMap ", "mybatis-3-mapper", "ibatis.apache.org")
}

func readBeside(in *discover.Input, out discover.Sink) error {
	if dir := vendored(in.Path); dir != "" {
		return nil
	}
	if builds(in.Head) != nil {
		out.Document(discover.Document{Kind: "build", Name: in.Path, Value: built(in)})
		return nil
	}
	src, err := in.Bytes(4 << 20)
	if err != nil {
		return err
	}
	src, err = decode(src)
	if err != nil {
		return err
	}
	put := func(v any) { out.Document(discover.Document{Kind: "beside code", Name: in.Path, Value: v}) }
	switch {
	case in.Ext == ".sql":
		if s := schema(in.Path, string(src)); s != nil {
			put(s)
		}
	case in.Ext == ".conf", in.Ext == ".config":
		for _, h := range logstashHosts(in.Path, string(src)) {
			put(h)
		}
	case strings.HasPrefix(in.Base, "logback"):
		for _, h := range logback(in.Path, string(src)) {
			put(h)
		}
	case in.Base == "web.xml" || strings.HasPrefix(in.Base, "struts"):
		list, err := webXML(in.Path, src)
		if err != nil {
			return err
		}
		put(&webRoutes{list})
	default:
		by, err := mapperXML(in.Path, src)
		if err != nil {
			return err
		}
		put(&mappers{by})
	}
	return nil
}

func lenient(src []byte) *xml.Decoder {
	d := xml.NewDecoder(bytes.NewReader(src))
	d.Strict = false
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // it is UTF-8 by now
	d.Entity = xml.HTMLEntity
	return d
}
