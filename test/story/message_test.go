package story

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// message is a request made by hand, to be signed with a profile's key.
type message struct {
	service, method, path, body string
	// header holds more headers, and what replaces those of the protocol.
	header map[string]string
	// region is us-east-1 unless it is set.
	region string
}

// rest is a request to Inspector.
func rest(method, path, body string) message {
	return message{service: "inspector2", method: method, path: path, body: body, header: map[string]string{"Content-Type": "application/json"}}
}

// target is a request in the JSON 1.1 protocol, of a service by its prefix.
func target(service, prefix, operation, body string) message {
	return message{service: service, method: http.MethodPost, path: "/", body: body, header: map[string]string{
		"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": prefix + "." + operation,
	}}
}

func organizations(operation, body string) message {
	return target("organizations", "AWSOrganizationsV20161128", operation, body)
}

func muster(operation, body string) message {
	return target("muster", "Muster_20261101", operation, body)
}

// form is a request in the query protocol to IAM.
func form(text string) message {
	return message{service: "iam", method: http.MethodPost, path: "/", body: text, header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}}
}

// with returns the message with a header set.
func (m message) with(name, value string) message {
	header := map[string]string{name: value}
	for k, v := range m.header {
		if _, set := header[k]; !set {
			header[k] = v
		}
	}
	m.header = header
	return m
}

// reply is an answer as it was on the wire.
type reply struct {
	status int
	// code is the error's, from wherever the protocol puts it.
	code, body string
}

// send signs a message as a profile and sends it.
func (w *world) send(profile string, m message) (reply, error) {
	req, err := http.NewRequest(m.method, w.endpoint+m.path, strings.NewReader(m.body))
	if err != nil {
		return reply{}, err
	}
	for name, value := range m.header {
		req.Header.Set(name, value)
	}
	c := w.profiles[profile]
	sum := sha256.Sum256([]byte(m.body))
	region := m.region
	if region == "" {
		region = "us-east-1"
	}
	creds := aws.Credentials{AccessKeyID: c.id, SecretAccessKey: c.secret, SessionToken: c.token}
	if err := v4.NewSigner().SignHTTP(context.Background(), creds, req, hex.EncodeToString(sum[:]), m.service, region, time.Now()); err != nil {
		return reply{}, err
	}
	// What takes the place of the signature's own headers is set after it.
	for name, value := range m.header {
		req.Header.Set(name, value)
	}
	return receive(req)
}

// errorCode finds the code in bodies of JSON 1.1 and XML.
var errorCode = regexp.MustCompile(`"__type":"(\w+)"|<Code>(\w+)</Code>`)

func receive(req *http.Request) (reply, error) {
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	r := reply{status: resp.StatusCode, code: resp.Header.Get("X-Amzn-Errortype"), body: string(body)}
	if m := errorCode.FindStringSubmatch(r.body); r.code == "" && m != nil {
		r.code = m[1] + m[2]
	}
	return r, err
}

// musterCall calls an operation of muster's own service as a profile.
func (w *world) musterCall(profile, operation string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	profile, region, _ := strings.Cut(profile, "@")
	m := muster(operation, string(body))
	m.region = region
	r, err := w.send(profile, m)
	if err != nil {
		return err
	}
	return r.into(out)
}

// into reads a successful answer.
func (r reply) into(out any) error {
	if r.status != http.StatusOK {
		return fmt.Errorf("%d: %s", r.status, r.body)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal([]byte(r.body), out)
}
