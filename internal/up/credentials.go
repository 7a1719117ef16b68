package up

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// key is one access key of a demonstration account's administrator.
type key struct{ ID, Secret string }

// profiles are the credentials that `up` writes once, by profile name, in the
// two files that every AWS client reads.
type profiles struct {
	dir  string
	keys map[string]key
}

// readProfiles reads DIR/aws/credentials; a missing file means none yet.
func readProfiles(dir string) (*profiles, error) {
	p := &profiles{dir: filepath.Join(dir, "aws"), keys: map[string]key{}}
	body, err := os.ReadFile(p.credentialsFile())
	if os.IsNotExist(err) {
		return p, nil
	}
	if err != nil {
		return nil, err
	}
	name := ""
	for lines := bufio.NewScanner(bytes.NewReader(body)); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		if strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]") {
			name = line[1 : len(line)-1]
			continue
		}
		k := p.keys[name]
		switch field, value, _ := strings.Cut(line, "="); strings.TrimSpace(field) {
		case "aws_access_key_id":
			k.ID = strings.TrimSpace(value)
		case "aws_secret_access_key":
			k.Secret = strings.TrimSpace(value)
		}
		p.keys[name] = k
	}
	return p, nil
}

func (p *profiles) credentialsFile() string { return filepath.Join(p.dir, "credentials") }
func (p *profiles) configFile() string      { return filepath.Join(p.dir, "config") }

// put remembers a key and writes the credentials file before it returns, so
// that a key that was issued is never lost.
func (p *profiles) put(name string, k key) error {
	p.keys[name] = k
	var b bytes.Buffer
	for _, n := range p.names() {
		fmt.Fprintf(&b, "[%s]\naws_access_key_id = %s\naws_secret_access_key = %s\n\n", n, p.keys[n].ID, p.keys[n].Secret)
	}
	return writeFile(p.credentialsFile(), b.Bytes())
}

// writeConfig writes the config file: the Region and where muster listens.
func (p *profiles) writeConfig(endpoint, region string) error {
	var b bytes.Buffer
	for _, n := range p.names() {
		fmt.Fprintf(&b, "[profile %s]\nregion = %s\nendpoint_url = %s\noutput = json\n\n", n, region, endpoint)
	}
	return writeFile(p.configFile(), b.Bytes())
}

func (p *profiles) names() []string {
	var names []string
	for n := range p.keys {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// writeFile replaces a file whole or not at all, readable by its owner only. A
// draft that an interrupted start left behind is written over.
func writeFile(name string, body []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	draft := name + ".new"
	f, err := os.OpenFile(draft, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(body)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(draft, name)
}
