// Package clienttest prepares AWS's Python clients (the AWS CLI, boto3) for
// tests. Distributions ship old ones, which neither read AWS_ENDPOINT_URL nor
// know newer operations; they learn them from muster's own interface
// descriptions, in the form that botocore reads from AWS_DATA_PATH.
package clienttest

import (
	"encoding/json"
	"fmt"
	"maps"
	"muster/internal/testshared"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Environment is what the clients of a test need beside credentials: every
// variable AWS_… of the caller is left out, so that nothing but the test
// decides. Clients that predate AWS_ENDPOINT_URL must be told the endpoint by
// --endpoint-url or endpoint_url, too.
func Environment(t testing.TB, endpoint string) []string {
	t.Helper()
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "AWS_") {
			env = append(env, v)
		}
	}
	env = append(env, "AWS_ENDPOINT_URL="+endpoint, "AWS_EC2_METADATA_DISABLED=true", "AWS_MAX_ATTEMPTS=1", "AWS_PAGER=", "PYTHONDONTWRITEBYTECODE=1")
	if dir := Models(t); dir != "" {
		env = append(env, "AWS_DATA_PATH="+dir)
	}
	return env
}

// recent reports whether the installed clients read AWS_ENDPOINT_URL and know
// every operation of the descriptions. botocore 1.42 is the first that does.
var recent = sync.OnceValue(func() bool {
	const ask = `
import re, subprocess, botocore
old = tuple(map(int, botocore.__version__.split(".")[:2])) < (1, 42)
try:
    cli = subprocess.run(["aws", "--version"], capture_output=True, text=True).stdout
    old |= re.match(r"aws-cli/(2\.([0-9]|[12][0-9]|3[0-2])\.|1\.([0-3][0-9]|4[0-3])\.)", cli) is not None
except FileNotFoundError:
    pass
raise SystemExit(old)`
	return exec.Command("python3", "-c", ask).Run() == nil
})

// Models is a folder for AWS_DATA_PATH with muster's descriptions of every
// service, or empty where the installed clients know enough by themselves.
func Models(t testing.TB) string {
	t.Helper()
	if recent() {
		return ""
	}
	dir := t.TempDir()
	if err := write(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// write puts every description of the project below dir in botocore's layout.
func write(dir string) error {
	root, err := testshared.Root()
	if err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(root, "internal", "awsmodel", "models", "*.json"))
	if err != nil {
		return err
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		if err := convert(filepath.Join(dir, name), body); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

// description is one of the project's interface descriptions, as far as its
// form differs from botocore's: there, shapes are referred to by objects.
type description struct {
	Metadata   map[string]any
	Operations map[string]map[string]any
	Pagination map[string]map[string]any
	Shapes     map[string]shape
}

// shape is one type, with what of it is looked at.
type shape map[string]any

// lists are the names of a structure's members that are lists.
func (d *description) lists(structure any) (names []string) {
	members, _ := d.Shapes[fmt.Sprint(structure)]["members"].(map[string]any)
	for name, m := range members {
		if ref, ok := m.(map[string]any); ok && d.Shapes[fmt.Sprint(ref["shape"])]["type"] == "list" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// convert writes one service's folder.
func convert(dir string, body []byte) error {
	var d description
	if err := json.Unmarshal(body, &d); err != nil {
		return err
	}
	if d.Metadata["protocol"] == "ec2" {
		return nil // all clients know it, and by names of their own
	}
	for name, pages := range d.Pagination {
		pages["result_key"] = d.lists(d.Operations[name]["output"])
	}
	for name, op := range d.Operations {
		d.Operations[name] = operation(name, op)
	}
	version := fmt.Sprint(d.Metadata["apiVersion"])
	d.Metadata["signatureVersion"] = "v4"
	d.Metadata["serviceFullName"] = d.Metadata["serviceId"]
	dir = filepath.Join(dir, version)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	service := map[string]any{"version": "2.0", "metadata": d.Metadata, "operations": d.Operations, "shapes": d.Shapes}
	if err := put(filepath.Join(dir, "service-2.json"), service); err != nil {
		return err
	}
	if d.Pagination == nil {
		return nil
	}
	return put(filepath.Join(dir, "paginators-1.json"), map[string]any{"pagination": d.Pagination})
}

// operation refers to shapes as botocore does.
func operation(name string, op map[string]any) map[string]any {
	op = maps.Clone(op)
	op["name"] = name
	for _, key := range []string{"input", "output"} {
		if shape, ok := op[key].(string); ok {
			op[key] = map[string]any{"shape": shape}
		}
	}
	if wrapper, ok := op["resultWrapper"]; ok {
		op["output"].(map[string]any)["resultWrapper"] = wrapper
	}
	var errors []any
	if list, ok := op["errors"].([]any); ok {
		for _, shape := range list {
			errors = append(errors, map[string]any{"shape": shape})
		}
		op["errors"] = errors
	}
	return op
}

func put(file string, value any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return os.WriteFile(file, body, 0o600)
}
