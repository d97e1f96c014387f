// Command crds says what an API server would say of resources whose definitions
// lie in a folder: their structural schema and their CEL rules, without a cluster.
// The first argument is the folder of the definitions; file names come one a line.
// It prints a line a fault, "file: what", and to stderr how many objects it judged.
// It ends with 0 when all are accepted, 1 when any is refused.
//
// It is a module of its own: kubectl-validate needs Kubernetes' libraries in a
// version that the product's do not go with.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"

	"sigs.k8s.io/kubectl-validate/pkg/openapiclient"
	"sigs.k8s.io/kubectl-validate/pkg/utils"
	"sigs.k8s.io/kubectl-validate/pkg/validator"
)

// version of Kubernetes whose own kinds count.
const version = "1.30"

func main() {
	v, err := validator.New(openapiclient.NewComposite(openapiclient.NewHardcodedBuiltins(version), openapiclient.NewLocalCRDFiles(os.DirFS(os.Args[1]))))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	bad, judged := false, 0
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		found, n := faults(v, in.Text())
		judged += n
		for _, f := range found {
			fmt.Printf("%s: %s\n", in.Text(), strings.ReplaceAll(f, "\n", "; "))
			bad = true
		}
	}
	fmt.Fprintf(os.Stderr, "objects %d\n", judged)
	if bad {
		os.Exit(1)
	}
}

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
		if utils.IsEmptyYamlDocument(d) {
			continue
		}
		judged++
		_, obj, err := v.Parse(d)
		if err == nil {
			err = v.Validate(obj)
		}
		var many interface{ Errors() []error }
		switch {
		case errors.As(err, &many):
			for _, e := range many.Errors() {
				out = append(out, e.Error())
			}
		case err != nil:
			out = append(out, err.Error())
		}
	}
	return out, judged
}
