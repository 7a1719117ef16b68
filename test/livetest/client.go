package livetest

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

// Key is what a client signs with.
type Key struct{ ID, Secret, Token string }

// Client sends signed requests to a server.
type Client struct {
	Key    Key
	Region string
	Models map[string]*Model
	// URL tells the server's address of the moment.
	URL func() string
}

// In returns the client in another Region.
func (c *Client) In(region string) *Client {
	other := *c
	other.Region = region
	return &other
}

// Answer is what came back.
type Answer struct {
	Status int
	// Code is the error's, from wherever the protocol puts it, and Message its
	// text; both are empty for a success.
	Code, Message string
	Body          string
	Header        http.Header
}

// OK reports a success.
func (a Answer) OK() bool { return a.Status/100 == 2 }

// JSON is the body of a JSON answer.
func (a Answer) JSON() map[string]any {
	out := map[string]any{}
	_ = json.Unmarshal([]byte(a.Body), &out) // what is no object stays empty
	return out
}

// Field is the text of the first element of an XML answer with the name.
func (a Answer) Field(name string) string {
	_, rest, ok := strings.Cut(a.Body, "<"+name+">")
	if !ok {
		return ""
	}
	value, _, _ := strings.Cut(rest, "</"+name+">")
	return unescape.Replace(value)
}

var unescape = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&quot;", `"`, "&#34;", `"`, "&#39;", "'", "&amp;", "&")

func (a Answer) String() string { return fmt.Sprintf("%d %s %.600s", a.Status, a.Code, a.Body) }

// Call sends an operation with an input (see Model.Message).
func (c *Client) Call(ctx context.Context, service, operation string, in map[string]any) (Answer, error) {
	m := c.Models[service]
	if m == nil {
		return Answer{}, fmt.Errorf("no model of %s", service)
	}
	msg, err := m.Message(operation, in)
	if err != nil {
		return Answer{}, err
	}
	return c.Send(ctx, msg)
}

var transport = &http.Client{
	Transport:     &http.Transport{MaxIdleConnsPerHost: 8, DisableCompression: true},
	Timeout:       time.Minute,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// Send signs a message and sends it.
func (c *Client) Send(ctx context.Context, m Message) (Answer, error) {
	req, err := http.NewRequestWithContext(ctx, m.Method, c.URL()+m.Path, strings.NewReader(m.Body))
	if err != nil {
		return Answer{}, err
	}
	for name, value := range m.Header {
		req.Header.Set(name, value)
	}
	sum := sha256.Sum256([]byte(m.Body))
	creds := aws.Credentials{AccessKeyID: c.Key.ID, SecretAccessKey: c.Key.Secret, SessionToken: c.Key.Token}
	// The path is escaped already.
	err = v4.NewSigner().SignHTTP(ctx, creds, req, hex.EncodeToString(sum[:]), m.Service, c.Region, time.Now())
	if err != nil {
		return Answer{}, err
	}
	resp, err := transport.Do(req)
	if err != nil {
		return Answer{}, err
	}
	return Read(resp)
}

// Read takes in a response and closes it.
func Read(resp *http.Response) (Answer, error) {
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return Answer{}, err
	}
	return read(resp, string(body)), nil
}

var errorCode = regexp.MustCompile(`"__type":"([^"]+)"|<Code>([^<]+)</Code>`)

func read(resp *http.Response, body string) Answer {
	a := Answer{Status: resp.StatusCode, Body: body, Header: resp.Header}
	if a.OK() {
		return a
	}
	a.Code = resp.Header.Get("X-Amzn-Errortype")
	if m := errorCode.FindStringSubmatch(body); a.Code == "" && m != nil {
		a.Code = m[1] + m[2]
	}
	if strings.HasPrefix(body, "<") {
		a.Message = a.Field("Message")
		return a
	}
	for _, key := range []string{"message", "Message"} {
		if text, ok := a.JSON()[key].(string); ok {
			a.Message = text
		}
	}
	return a
}

// Dig follows members and indexes of a JSON answer.
func Dig(v any, path ...any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[step]
		case int:
			l, _ := v.([]any)
			if step >= len(l) {
				return nil
			}
			v = l[step]
		}
	}
	return v
}
