package openapi_test

import (
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/formats/contract"
	"github.com/ashlar-dev/ashlar/formats/doc"
	"github.com/ashlar-dev/ashlar/formats/openapi"
)

const two = `
swagger: "2.0"
info: {title: Pets, version: "1"}
host: pets.example:8080
basePath: /v1
consumes: [application/xml]
parameters: {Limit: {name: limit, in: query, type: integer, format: int32}}
paths:
  /pets:
    get: {operationId: listPets, parameters: [{$ref: "#/parameters/Limit"}], responses: {"200": {description: ok, schema: {type: array, items: {$ref: "#/definitions/Pet"}}}}}
    post: {parameters: [{name: pet, in: body, required: true, schema: {$ref: "#/definitions/Pet"}}], responses: {"201": {description: ok}}}
definitions: {Pet: {type: object, required: [name], properties: {name: {type: string}, price: {type: number, format: double}, mother: {$ref: "#/definitions/Pet"}}}}
`

const three = `
openapi: 3.1.0
info: {title: Pets, version: "1"}
servers: [{url: "https://{where}.example/{base}", variables: {where: {default: eu}, base: {default: v2}}}]
paths:
  /pets/{id}:
    $ref: "#/components/pathItems/Pet"
components:
  pathItems:
    Pet:
      get:
        responses:
          "200": {$ref: "#/components/responses/Pet"}
          default: {$ref: "#/components/responses/Nothing"}
  responses:
    Pet: {description: ok, content: {application/json: {schema: {allOf: [{$ref: "#/components/schemas/Base"}, {properties: {name: {type: [string, "null"]}}, required: [name]}]}}}}
  schemas:
    Base: {type: object, properties: {id: {type: string, readOnly: true}, kind: {oneOf: [{type: string}, {type: integer}]}}}
`

func read(t *testing.T, src string) (*contract.Contract, []*doc.Fault) {
	t.Helper()
	f := doc.Read("api.yaml", []byte(src), nil)
	if len(f.Faults) > 0 || !openapi.Is(f.Docs[0].Root) {
		t.Fatal(f.Faults)
	}
	return openapi.Read(f.Docs[0], nil)
}

func TestTwo(t *testing.T) {
	t.Parallel()
	c, faults := read(t, two)
	if len(faults) > 0 || c.Format != "2.0" || c.Servers[0].URL != "http://pets.example:8080/v1" || len(c.Operations) != 2 {
		t.Fatalf("%v %+v", faults, c)
	}
	o := c.Operations[0]
	if o.Key != "GET /v1/pets" || o.Name != "listPets" || o.Parts[0].Name != "query limit" || o.Parts[0].Shape.Format != "int32" || o.Pointer != "/paths/~1pets/get" || o.Pos.Line != 10 {
		t.Errorf("%+v", o)
	}
	pet := o.Parts[1].Shape.Elem
	if pet.Name != "Pet" || pet.Field("mother").Shape != pet || !pet.Field("name").Required || pet.Field("price").Shape.Format != "double" {
		t.Errorf("%+v", pet)
	}
	if b := c.Operations[1].Parts[0]; b.Name != "body application/xml" || !b.Required {
		t.Errorf("%+v", b)
	}
}

func TestThree(t *testing.T) {
	t.Parallel()
	c, faults := read(t, three)
	if len(faults) != 1 || !strings.Contains(faults[0].Error(), "api.yaml:14:27") || c.Servers[0].URL != "https://eu.example/v2" {
		t.Fatalf("%v %+v", faults, c.Servers)
	}
	o := c.Operations[0]
	if o.Key != "GET /v2/pets/{}" || o.Trigger != "GET /pets/{id}" || o.Base != "/v2" || len(o.Parts) != 1 {
		t.Fatalf("%+v", o)
	}
	s := o.Parts[0].Shape
	if s.Kind != contract.Object || !s.Field("id").ReadOnly || !s.Field("name").Required || !s.Field("name").Shape.Nullable || s.Field("kind").Shape.Kind != contract.Choice {
		t.Errorf("%+v", s)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(two))
	f.Add([]byte(three))
	f.Fuzz(func(_ *testing.T, src []byte) {
		for _, d := range doc.Read("f.yaml", src, &doc.Limits{Bytes: 1 << 16}).Docs {
			if !openapi.Is(d.Root) {
				continue
			}
			c, _ := openapi.Read(d, nil)
			for _, o := range c.Operations {
				for _, p := range o.Parts {
					p.Shape.Walk(func(string, *contract.Shape, *contract.Field) {})
				}
			}
			contract.Compare(c, c)
		}
	})
}
