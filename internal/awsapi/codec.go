package awsapi

import (
	"errors"
	"fmt"
	"net/http"

	"muster/internal/awsapi/wire"
	"muster/internal/awsmodel"
)

// decode reads and validates the operation's input.
func (e *exchange) decode() (any, error) {
	in := e.op.NewInput()
	var err error
	switch e.protocol {
	case awsmodel.JSON11:
		err = e.service.codec.DecodeJSON(e.op, e.body, in)
	case awsmodel.Query, awsmodel.EC2:
		err = e.service.codec.DecodeForm(e.op, e.form, in)
	default:
		err = e.service.codec.DecodeREST(e.op, &wire.RESTRequest{Path: e.path, Query: e.form, Header: e.r.Header, Body: e.body}, in)
	}
	if err == nil {
		return in, nil
	}
	if invalid, ok := errors.AsType[*wire.Invalid](err); ok {
		return nil, e.invalid(invalid)
	}
	return nil, e.malformed(err)
}

// reply is an answer ready to be written.
type reply struct {
	status int
	// header holds what goes beside the body, such as Retry-After.
	header map[string]string
	body   []byte
}

// encode writes the output into the reply.
func (e *exchange) encode() error {
	e.reply.status = e.op.Status
	var err error
	switch e.protocol {
	case awsmodel.Query:
		e.reply.body = e.queryResult()
	case awsmodel.EC2:
		e.reply.body = e.ec2Result()
	default:
		e.reply.body, err = e.service.codec.AppendJSON(nil, e.op.Output, e.out)
	}
	if err != nil {
		return fmt.Errorf("encoding the output of %s: %w", e.op.Action(), err)
	}
	return nil
}

func (e *exchange) queryResult() []byte {
	name := e.op.Name + "Response"
	b := append([]byte("<"+name+` xmlns="`), e.service.model.XMLNamespace...)
	b = append(b, `">`...)
	if e.op.ResultWrapper != "" {
		b = wire.AppendTag(b, e.op.ResultWrapper)
		b = e.service.codec.AppendXML(b, e.op.Output, e.out)
		b = wire.AppendEndTag(b, e.op.ResultWrapper)
	}
	b = append(b, "<ResponseMetadata><RequestId>"+e.id+"</RequestId></ResponseMetadata>"...)
	return wire.AppendEndTag(b, name)
}

func (e *exchange) ec2Result() []byte {
	name := e.op.Name + "Response"
	b := append([]byte("<"+name+` xmlns="`), e.service.model.XMLNamespace...)
	b = append(b, `"><requestId>`+e.id+"</requestId>"...)
	b = e.service.codec.AppendXML(b, e.op.Output, e.out)
	return wire.AppendEndTag(b, name)
}

// write sends the reply. An error means that the client has gone.
func (e *exchange) write(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", map[awsmodel.Protocol]string{
		awsmodel.JSON11: "application/x-amz-json-1.1", awsmodel.Query: "text/xml", awsmodel.EC2: "text/xml;charset=UTF-8", awsmodel.RESTJSON: "application/json",
	}[e.protocol])
	h.Set("X-Amzn-Requestid", e.id)
	h.Set("Date", e.now.Format(http.TimeFormat))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	for k, v := range e.reply.header {
		h.Set(k, v)
	}
	w.WriteHeader(e.reply.status)
	_, _ = w.Write(e.reply.body)
}
