// Command modelgen turns the interface descriptions of internal/awsmodel/models
// into Go packages: types, exceptions, a Handlers struct and the tables that the
// protocol layer reads. Its output depends on nothing but its input.
//
// With -derive it makes the descriptions themselves: it reads AWS's published
// API models from a directory and writes what muster needs of them (shapes,
// constraints, bindings, errors, paging; no prose).
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	models := flag.String("models", "models", "directory of the interface descriptions")
	out := flag.String("out", ".", "directory that gets one package per service")
	from := flag.String("derive", "", "rewrite the descriptions from the API models in this directory, and stop")
	flag.Parse()
	if err := run(*models, *out, *from); err != nil {
		fmt.Fprintln(os.Stderr, "modelgen:", err)
		os.Exit(1)
	}
}

func run(models, out, from string) error {
	if from != "" {
		return derive(from, models)
	}
	for _, s := range services() {
		if err := generate(s, models, out); err != nil {
			return fmt.Errorf("service %s: %w", s.pkg, err)
		}
	}
	return nil
}

// service is one package to generate.
type service struct {
	// pkg is the package; file the description without ".json", which is also
	// the name of AWS's model.
	pkg, file string
	// signingName is the service of credential scopes where the model is mute.
	signingName string
	global      bool
	// own descriptions are written by hand and derived from nothing.
	own bool
}

func services() []service {
	return []service{
		{pkg: "ec2", file: "ec2", signingName: "ec2", own: true},
		{pkg: "ecr", file: "ecr"},
		{pkg: "iam", file: "iam", signingName: "iam", global: true},
		{pkg: "inspector2", file: "inspector2"},
		{pkg: "inspectorscan", file: "inspector-scan"},
		{pkg: "muster", file: "muster", own: true},
		{pkg: "organizations", file: "organizations", signingName: "organizations", global: true},
		{pkg: "sts", file: "sts", signingName: "sts", global: true},
	}
}

func generate(s service, models, out string) error {
	d, err := readDescription(filepath.Join(models, s.file+".json"))
	if err != nil {
		return err
	}
	p, err := newPackage(s, d)
	if err != nil {
		return err
	}
	dir := filepath.Join(out, s.pkg)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, f := range p.files() {
		if f.body.Len() == 0 {
			continue
		}
		src, err := f.source(s.pkg)
		if err != nil {
			return fmt.Errorf("file %s: %w", f.name, err)
		}
		if err := os.WriteFile(filepath.Join(dir, f.name), src, 0o644); err != nil {
			return err
		}
	}
	return nil
}
