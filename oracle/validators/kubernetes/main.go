// Command kubernetes says what the API server would say of manifests, by the
// schemas and validation of kubectl-validate, without a cluster. It prints a line
// a fault, "file: what", and ends with 1 when there is any.
//
//	kubernetes FILE...
//
// It is a module of its own: kubectl-validate needs Kubernetes' libraries in a
// version that the product's do not go with.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/kubectl-validate/pkg/openapiclient"
	"sigs.k8s.io/kubectl-validate/pkg/utils"
	"sigs.k8s.io/kubectl-validate/pkg/validator"
)

// version of Kubernetes whose schemas count.
const version = "1.30"

func main() {
	v, err := validator.New(openapiclient.NewHardcodedBuiltins(version))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	bad := 0
	for _, file := range os.Args[1:] {
		for _, f := range faults(v, file) {
			fmt.Printf("%s: %s\n", filepath.Base(file), strings.ReplaceAll(f, "\n", "; "))
			bad++
		}
	}
	if bad > 0 {
		os.Exit(1)
	}
}

// faults of the documents of a file that Kubernetes itself knows; of other kinds
// there is no schema here.
func faults(v *validator.Validator, file string) []string {
	src, err := os.ReadFile(file)
	if err != nil {
		return []string{err.Error()}
	}
	docs, err := utils.SplitYamlDocuments(src)
	if err != nil {
		return []string{err.Error()}
	}
	var out []string
	for _, d := range docs {
		if utils.IsEmptyYamlDocument(d) || !strings.Contains(string(d), "apiVersion:") {
			continue
		}
		_, obj, err := v.Parse(d)
		switch {
		case err != nil && (runtime.IsNotRegisteredError(err) || meta.IsNoMatchError(err) || strings.Contains(err.Error(), "not found")):
			continue
		case err != nil:
			out = append(out, err.Error())
			continue
		}
		if err := v.Validate(obj); err != nil {
			var many interface{ Errors() []error }
			if errors.As(err, &many) {
				for _, e := range many.Errors() {
					out = append(out, e.Error())
				}
				continue
			}
			out = append(out, err.Error())
		}
	}
	return out
}
