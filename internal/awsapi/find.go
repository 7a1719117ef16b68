package awsapi

import (
	"mime"
	"net/http"
	"strings"

	"muster/internal/awsapi/sigv4"
	"muster/internal/awsapi/wire"
	"muster/internal/awsmodel"
)

// Handles tells whether a request is for this door rather than for another
// handler on the same address: it is signed, names a target or an action, or
// has the path of a REST operation.
func (d *Door) Handles(r *http.Request) bool {
	if r.Header.Get("X-Amz-Target") != "" || strings.HasPrefix(r.Header.Get("Authorization"), "AWS") {
		return true
	}
	if query := r.URL.RawQuery; strings.Contains(query, "X-Amz-Algorithm=") || strings.Contains(query, "X-Amz-Signature=") {
		return true
	}
	return r.URL.Path == "/" && asksByForm(r) || d.restService(r) != nil
}

// asksByForm tells requests of the query protocol.
func asksByForm(r *http.Request) bool {
	return mediaType(r) == "application/x-www-form-urlencoded" && r.Method == http.MethodPost || hasParam(r.URL.RawQuery, "Action")
}

func hasParam(rawQuery, name string) bool {
	return strings.HasPrefix(rawQuery, name+"=") || strings.Contains(rawQuery, "&"+name+"=")
}

func mediaType(r *http.Request) string {
	t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return t
}

func (d *Door) restService(r *http.Request) *service {
	for _, s := range d.rest {
		if op, _ := s.match(r.Method, r.URL.EscapedPath()); op != nil {
			return s
		}
	}
	return nil
}

// guess decides in which protocol to answer before the operation is known.
func (d *Door) guess(e *exchange, scopeService string) {
	scoped := d.services[scopeService]
	target := e.r.Header.Get("X-Amz-Target")
	switch {
	case target != "":
		prefix, _, _ := strings.Cut(target, ".")
		e.protocol, e.service = awsmodel.JSON11, d.targets[prefix]
	case scoped != nil:
		e.protocol, e.service = scoped.model.Protocol, scoped
	case asksByForm(e.r) && d.restService(e.r) == nil:
		e.protocol = awsmodel.Query
	default:
		e.protocol, e.service = awsmodel.RESTJSON, d.restService(e.r)
	}
}

// find finds the operation and makes sure that the credential's scope is that
// of its service.
func (e *exchange) find() error {
	if err := e.identify(); err != nil {
		return err
	}
	if e.sig != nil && e.sig.Service != e.service.model.SigningName {
		return &sigv4.Error{Kind: sigv4.Mismatch, Message: "Credential should be scoped to correct service: '" + e.service.model.SigningName + "'. "}
	}
	return nil
}

func (e *exchange) identify() error {
	switch e.protocol {
	case awsmodel.JSON11:
		return e.identifyTarget()
	case awsmodel.Query, awsmodel.EC2:
		return e.identifyAction()
	}
	return e.identifyPath()
}

func (e *exchange) identifyTarget() error {
	prefix, name, _ := strings.Cut(e.r.Header.Get("X-Amz-Target"), ".")
	s := e.door.targets[prefix]
	if s == nil || s.ops[name] == nil || e.r.Method != http.MethodPost || e.r.URL.Path != "/" {
		return e.unknownOperation(name)
	}
	e.service, e.op = s, s.ops[name]
	if t := mediaType(e.r); t != "application/x-amz-json-1.1" {
		return e.unsupportedType(t)
	}
	return e.plainEncoding()
}

// identifyPath looks first among the operations of the scope's service, then
// among all: a path of another service is a wrong scope.
func (e *exchange) identifyPath() error {
	candidates := e.door.rest
	if e.service != nil {
		candidates = append([]*service{e.service}, candidates...)
	}
	for _, s := range candidates {
		if op, params := s.match(e.r.Method, e.r.URL.EscapedPath()); op != nil {
			e.service, e.op, e.path = s, op, params
			if t := mediaType(e.r); len(e.body) > 0 && t != "" && t != "application/json" {
				return e.unsupportedType(t)
			}
			return e.readQuery(e.r.URL.RawQuery)
		}
	}
	return e.unknownOperation(e.r.Method + " " + e.r.URL.Path)
}

func (e *exchange) identifyAction() error {
	text := e.r.URL.RawQuery
	if len(e.body) > 0 {
		if t := mediaType(e.r); t != "application/x-www-form-urlencoded" {
			return e.unsupportedType(t)
		}
		text += "&" + string(e.body)
	}
	if err := e.readQuery(text); err != nil {
		return err
	}
	action, version := e.form.Get("Action"), e.form.Get("Version")
	if s := e.door.versions[version]; s != nil {
		e.service, e.protocol = s, s.model.Protocol
	}
	switch {
	case action == "":
		return &refusal{status: http.StatusBadRequest, code: "MissingAction", message: "The request is missing an action or a required parameter."}
	case e.service == nil || e.service.ops[action] == nil || version != "" && version != e.service.model.Version:
		return e.unknownOperation(action)
	}
	e.op = e.service.ops[action]
	return nil
}

func (e *exchange) readQuery(text string) error {
	form, err := wire.ParseForm(text)
	if err != nil {
		return e.malformed(err)
	}
	e.form = form
	return e.plainEncoding()
}

// plainEncoding refuses compressed bodies, which no operation here announces.
func (e *exchange) plainEncoding() error {
	if c := e.r.Header.Get("Content-Encoding"); c != "" && c != "identity" && len(e.body) > 0 {
		return e.unsupportedType("content encoding " + c)
	}
	return nil
}
