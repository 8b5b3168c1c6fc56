//! Over TLS, with a certificate that was made for these tests and is trusted nowhere else.

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::*;

const LARGE: usize = 1 << 20;

fn certificate() -> CertificateDer<'static> {
    let pem = include_bytes!("tls/certificate.pem");
    CertificateDer::from_pem_slice(pem).expect("a certificate")
}

fn acceptor() -> TlsAcceptor {
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("tls/key.pem")).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate()], key);
    TlsAcceptor::from(Arc::new(server.expect("a server")))
}

/// A client that trusts the certificate.
fn trusting() -> Client {
    let mut roots = RootCertStore::empty();
    roots.add(certificate()).expect("a root");
    Client::with(tls().with_root_certificates(roots).with_no_client_auth())
}

fn request(server: &Server) -> http::Request<Full<Bytes>> {
    let mut request = http::Request::new(Full::from(vec![b'x'; LARGE]));
    let port = server.address.port_u16().expect("a port");
    let address = format!("https://localhost:{port}/");
    *request.uri_mut() = address.parse().expect("a URI");
    request
}

async fn answer(stream: &mut TlsStream<TcpStream>, head: &str) {
    let mut seen = Vec::new();
    while !seen.ends_with(b"\r\n\r\n") {
        seen.push(stream.read_u8().await.expect("a head"));
    }
    let mut body = vec![0; LARGE];
    stream.read_exact(&mut body).await.expect("a body");
    let head = format!("HTTP/1.1 200 OK\r\n{head}\r\n");
    stream.write_all(head.as_bytes()).await.expect("written");
    stream.write_all(&body).await.expect("written");
    stream.flush().await.expect("sent");
}

async fn ask(client: &Client, server: &Server) -> Result<usize, Broke> {
    let response = client.request(request(server)).await.expect("an answer");
    let body = response.body.collect().await?;
    Ok(body.to_bytes().len())
}

#[tokio::test]
async fn requests_and_answers_are_carried_whole() {
    let (server, client) = (Server::start().await, trusting());
    let length = format!("content-length: {LARGE}\r\n");
    let serve = async {
        let mut stream = acceptor().accept(server.accept().await).await.expect("TLS");
        for _ in 0..2 {
            answer(&mut stream, &length).await;
        }
        answer(&mut stream, "").await;
        stream.shutdown().await.expect("it was open");
        let mut stream = acceptor().accept(server.accept().await).await.expect("TLS");
        answer(&mut stream, "").await;
        // Whoever cuts the wire can do this, and must not pass for the end.
        drop(stream.into_inner().0);
    };
    let ask = async {
        for _ in 0..3 {
            assert_eq!(ask(&client, &server).await.expect("a body"), LARGE);
        }
        ask(&client, &server).await.expect_err("it was cut off");
    };
    tokio::join!(serve, ask);
}

#[tokio::test]
async fn a_server_nobody_trusts_gets_no_request() {
    let (server, client) = (Server::start().await, Client::new());
    let serve = async {
        let accepted = acceptor().accept(server.accept().await).await;
        assert!(accepted.is_err());
    };
    let ask = async {
        let refused = client.request(request(&server)).await;
        assert!(refused.is_err_and(|error| error.is_connect()));
    };
    tokio::join!(serve, ask);
}
