//! A request and an answer, with their heads as they go over the wire.

use http::{Method, StatusCode, Uri};

use super::Headers;

/// A request.
#[derive(Debug)]
pub struct Request<B> {
    /// What is to be done.
    pub method: Method,
    /// What it is about.
    pub uri: Uri,
    /// What else its head says.
    pub headers: Headers,
    /// What follows its head.
    pub body: B,
}

/// An answer.
#[derive(Debug)]
pub struct Response<B> {
    /// What came of the request.
    pub status: StatusCode,
    /// What else its head says.
    pub headers: Headers,
    /// What follows its head.
    pub body: B,
}

impl<B> Request<B> {
    /// Its head, and its body.
    pub fn split(self) -> (Request<()>, B) {
        let Self {
            method,
            uri,
            headers,
            body,
        } = self;
        let head = Request {
            method,
            uri,
            headers,
            body: (),
        };
        (head, body)
    }
}

impl Request<()> {
    /// The same with a body.
    pub fn with<B>(self, body: B) -> Request<B> {
        Request {
            method: self.method,
            uri: self.uri,
            headers: self.headers,
            body,
        }
    }
}

impl<B> Response<B> {
    /// An answer that says no more than its body.
    pub fn new(status: StatusCode, body: B) -> Self {
        Self {
            status,
            headers: Headers::default(),
            body,
        }
    }

    /// Its head, and its body.
    pub fn split(self) -> (Response<()>, B) {
        let Self {
            status,
            headers,
            body,
        } = self;
        let head = Response {
            status,
            headers,
            body: (),
        };
        (head, body)
    }
}

impl Response<()> {
    /// The same with a body.
    pub fn with<B>(self, body: B) -> Response<B> {
        Response {
            status: self.status,
            headers: self.headers,
            body,
        }
    }
}

/// Without its version and its extensions.
impl<B> From<http::Request<B>> for Request<B> {
    fn from(request: http::Request<B>) -> Self {
        let (head, body) = request.into_parts();
        Self {
            method: head.method,
            uri: head.uri,
            headers: Headers::from(&head.headers),
            body,
        }
    }
}

/// As one of HTTP/1.1.
impl<B> From<Request<B>> for http::Request<B> {
    fn from(request: Request<B>) -> Self {
        let mut other = Self::new(request.body);
        *other.method_mut() = request.method;
        *other.uri_mut() = request.uri;
        *other.headers_mut() = (&request.headers).into();
        other
    }
}

/// Without its version and its extensions.
impl<B> From<http::Response<B>> for Response<B> {
    fn from(response: http::Response<B>) -> Self {
        let (head, body) = response.into_parts();
        Self {
            status: head.status,
            headers: Headers::from(&head.headers),
            body,
        }
    }
}

/// As one of HTTP/1.1.
impl<B> From<Response<B>> for http::Response<B> {
    fn from(response: Response<B>) -> Self {
        let mut other = Self::new(response.body);
        *other.status_mut() = response.status;
        *other.headers_mut() = (&response.headers).into();
        other
    }
}
