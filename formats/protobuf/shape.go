package protobuf

import (
	"path"
	"strings"

	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/ashlar-dev/ashlar/formats/contract"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

func (l *linker) contract(f *File) *contract.Contract {
	c := &contract.Contract{Kind: contract.Proto, Format: f.desc.GetSyntax(), Name: f.Package, Version: contract.VersionOf(f.Package), File: f.Path, Pos: doc.Pos{File: f.Path, Line: 1, Col: 1}}
	if c.Name == "" {
		c.Name = strings.TrimSuffix(path.Base(f.Path), ".proto")
	}
	if f.res.AST() != nil {
		c.Pos = f.at(f.res.AST())
	}
	for _, s := range f.desc.GetService() {
		service := under(f.Package, s.GetName())
		for _, m := range s.GetMethod() {
			key := service + "/" + m.GetName()
			o := contract.Operation{Key: key, Name: m.GetName(), Service: service, Trigger: "grpc " + key, Pos: f.pos(m)}
			switch {
			case m.GetClientStreaming() && m.GetServerStreaming():
				o.Stream = "both"
			case m.GetClientStreaming():
				o.Stream = "in"
			case m.GetServerStreaming():
				o.Stream = "out"
			}
			o.Parts = []contract.Part{
				{Name: "request", Required: true, Shape: l.named(f, f.Package, m.GetInputType(), o.Pos), Pos: o.Pos},
				{Name: "answer", Out: true, Shape: l.named(f, f.Package, m.GetOutputType(), o.Pos), Pos: o.Pos}}
			c.Operations = append(c.Operations, o)
		}
	}
	for _, m := range f.desc.GetMessageType() {
		l.all(f, f.Package, m, c)
	}
	for _, e := range f.desc.GetEnumType() {
		c.Types = append(c.Types, l.shape(l.nearest(f, under(f.Package, e.GetName()))))
	}
	return c
}

func (l *linker) all(f *File, scope string, m *descriptorpb.DescriptorProto, c *contract.Contract) {
	name := under(scope, m.GetName())
	if m.GetOptions().GetMapEntry() {
		return
	}
	c.Types = append(c.Types, l.shape(l.nearest(f, name)))
	for _, n := range m.GetNestedType() {
		l.all(f, name, n, c)
	}
	for _, e := range m.GetEnumType() {
		c.Types = append(c.Types, l.shape(l.nearest(f, under(name, e.GetName()))))
	}
}

// named is the shape behind a name in a scope; anything when it is not known,
// which is a fault where no import can have it.
func (l *linker) named(f *File, scope, name string, at doc.Pos) *contract.Shape {
	if e := l.find(f, scope, name); e != nil {
		return l.shape(e)
	}
	name = strings.TrimPrefix(name, ".")
	if !l.lost[f] && !strings.HasPrefix(name, "google.") {
		l.faults = append(l.faults, f.src.FaultAt(&doc.Node{Line: at.Line, Col: at.Col}, doc.Value, "there is no type "+name, ""))
	}
	return &contract.Shape{Name: name, Pos: at}
}

func (l *linker) shape(e *entry) *contract.Shape {
	if e.shape != nil {
		return e.shape
	}
	s := &contract.Shape{Name: e.name}
	e.shape = s
	if e.enum != nil {
		s.Kind, s.Pos = contract.Enum, e.file.pos(e.enum)
		for _, v := range e.enum.GetValue() {
			s.Values = append(s.Values, contract.Value{Text: v.GetName(), Number: int(v.GetNumber()), Pos: e.file.pos(v)})
		}
		for _, r := range e.enum.GetReservedRange() {
			s.Reserved = append(s.Reserved, contract.Range{From: int(r.GetStart()), To: int(r.GetEnd())})
		}
		s.Gone = e.enum.GetReservedName()
		return s
	}
	s.Kind, s.Pos = contract.Object, e.file.pos(e.msg)
	for _, r := range e.msg.GetReservedRange() {
		s.Reserved = append(s.Reserved, contract.Range{From: int(r.GetStart()), To: int(r.GetEnd()) - 1})
	}
	s.Gone = e.msg.GetReservedName()
	for _, fd := range e.msg.GetField() {
		if fd.GetNumber() < 1 { // what a fault of the file left of a field
			continue
		}
		s.Fields = append(s.Fields, l.field(e, fd))
	}
	s.Versioned = contract.VersionOf(e.name)
	if s.Versioned == "" {
		s.Versioned = contract.Version(s)
	}
	return s
}

func (l *linker) field(e *entry, fd *descriptorpb.FieldDescriptorProto) contract.Field {
	f := contract.Field{Name: fd.GetName(), Number: int(fd.GetNumber()), Required: fd.GetLabel() == descriptorpb.FieldDescriptorProto_LABEL_REQUIRED, Pos: e.file.pos(fd)}
	if fd.OneofIndex != nil && !fd.GetProto3Optional() && int(fd.GetOneofIndex()) < len(e.msg.GetOneofDecl()) {
		f.Group = e.msg.GetOneofDecl()[fd.GetOneofIndex()].GetName()
	}
	if fd.GetTypeName() == "" {
		f.Shape = scalar(fd.GetType(), f.Pos)
	} else if m := mapEntry(e.msg, fd); m != nil {
		inside := entry{file: e.file, name: e.name, msg: m}
		value := l.field(&inside, m.GetField()[1])
		f.Shape = &contract.Shape{Kind: contract.Map, Elem: value.Shape, Pos: f.Pos}
		return f
	} else {
		f.Shape = l.named(e.file, e.name, fd.GetTypeName(), f.Pos)
	}
	if fd.GetLabel() == descriptorpb.FieldDescriptorProto_LABEL_REPEATED {
		f.Shape = &contract.Shape{Kind: contract.List, Elem: f.Shape, Pos: f.Pos}
	}
	return f
}

// mapEntry is the message that the compiler makes of a map field.
func mapEntry(m *descriptorpb.DescriptorProto, fd *descriptorpb.FieldDescriptorProto) *descriptorpb.DescriptorProto {
	name := fd.GetTypeName()[strings.LastIndexByte(fd.GetTypeName(), '.')+1:]
	for _, n := range m.GetNestedType() {
		if n.GetName() == name && n.GetOptions().GetMapEntry() && len(n.GetField()) == 2 {
			return n
		}
	}
	return nil
}

func scalar(t descriptorpb.FieldDescriptorProto_Type, at doc.Pos) *contract.Shape {
	s := &contract.Shape{Format: strings.ToLower(strings.TrimPrefix(t.String(), "TYPE_")), Pos: at}
	switch t {
	case descriptorpb.FieldDescriptorProto_TYPE_DOUBLE, descriptorpb.FieldDescriptorProto_TYPE_FLOAT:
		s.Kind = contract.Number
	case descriptorpb.FieldDescriptorProto_TYPE_BOOL:
		s.Kind = contract.Boolean
	case descriptorpb.FieldDescriptorProto_TYPE_STRING:
		s.Kind, s.Format = contract.String, ""
	case descriptorpb.FieldDescriptorProto_TYPE_BYTES:
		s.Kind, s.Format = contract.Bytes, ""
	default:
		s.Kind = contract.Integer
	}
	return s
}
