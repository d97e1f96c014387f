// Command kubernetes says what the API server would say of manifests, by the
// schemas and validation of kubectl-validate, without a cluster. It takes file
// names, one a line, and prints a line a fault, "file: what"; in the end it prints
// to stderr how many objects it judged. It ends with 0 when all are accepted, 1
// when any is refused.
//
// It is a module of its own: kubectl-validate needs Kubernetes' libraries in a
// version that the product's do not go with.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/kubectl-validate/pkg/openapiclient"
	"sigs.k8s.io/kubectl-validate/pkg/utils"
	"sigs.k8s.io/kubectl-validate/pkg/validator"
)

// version of Kubernetes whose schemas count.
const version = "1.30"

// kind is a line of every object.
var kind = regexp.MustCompile(`(?m)^\s*[{"]?\s*"?kind"?\s*:`)

func main() {
	v, err := validator.New(openapiclient.NewHardcodedBuiltins(version))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	bad, judged := false, 0
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		file := in.Text()
		faults, n := faults(v, file)
		judged += n
		for _, f := range faults {
			fmt.Printf("%s: %s\n", file, strings.ReplaceAll(f, "\n", "; "))
			bad = true
		}
	}
	fmt.Fprintf(os.Stderr, "kubernetes %d\n", judged)
	if bad {
		os.Exit(1)
	}
}

// faults of the objects of a file that Kubernetes itself knows, and how many there
// are; of other kinds there is no schema here.
func faults(v *validator.Validator, file string) (out []string, judged int) {
	src, err := os.ReadFile(file)
	if err != nil {
		return []string{err.Error()}, 0
	}
	docs, err := utils.SplitYamlDocuments(src)
	if err != nil {
		return []string{err.Error()}, 0
	}
	for _, d := range docs {
		if utils.IsEmptyYamlDocument(d) || !strings.Contains(string(d), "apiVersion:") || !kind.Match(d) { // a Chart.yaml has no kind
			continue
		}
		_, obj, err := v.Parse(d)
		switch {
		case err != nil && (runtime.IsNotRegisteredError(err) || meta.IsNoMatchError(err) || strings.Contains(err.Error(), "failed to locate OpenAPI spec")):
			continue
		case err != nil:
			judged++
			out = append(out, err.Error())
			continue
		}
		judged++
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
	return out, judged
}
