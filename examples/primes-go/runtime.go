package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"
)

// invocation is what the Lambda Runtime API hands out.
type invocation struct {
	id       string
	deadline time.Time
	event    []byte
}

// serve is the whole of a Lambda runtime: ask, handle, answer, for ever.
func serve(handle func(invocation) (interface{}, error)) {
	api := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/"
	for {
		request, err := next(api)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		path, document := request.id+"/response", interface{}(nil)
		document, err = handle(request)
		if err != nil {
			path, document = request.id+"/error", map[string]interface{}{"errorMessage": err.Error(), "errorType": fmt.Sprintf("%T", err), "stackTrace": []string{}}
		}
		if err := post(api+path, document); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func next(api string) (invocation, error) {
	// No timeout: an idle function waits here.
	response, err := http.Get(api + "next")
	if err != nil {
		return invocation{}, err
	}
	defer response.Body.Close()
	event, err := io.ReadAll(response.Body)
	if err != nil {
		return invocation{}, err
	}
	if response.StatusCode != http.StatusOK {
		return invocation{}, fmt.Errorf("next: %s %s", response.Status, event)
	}
	milliseconds, err := strconv.ParseInt(response.Header.Get("Lambda-Runtime-Deadline-Ms"), 10, 64)
	if err != nil {
		return invocation{}, err
	}
	return invocation{response.Header.Get("Lambda-Runtime-Aws-Request-Id"), time.UnixMilli(milliseconds), event}, nil
}

func post(url string, document interface{}) error {
	body, err := json.Marshal(document)
	if err != nil {
		return err
	}
	response, err := http.Post(url, "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	if response.StatusCode != http.StatusAccepted {
		return fmt.Errorf("%s: %s %s", url, response.Status, text)
	}
	return nil
}
