//! The protocol on standard input and output, for one client, which starts the process.

use std::time::Duration;

use rmcp::ServiceExt;
use rmcp::service::ServerInitializeError;
use rmcp::transport::stdio_pipes;
use vetted::Engine;

use super::handler::Tools;
use super::opening::Opening;
use crate::StartError;
use crate::settings::{IndexSettings, Settings};
use crate::start::{check_names, told_to_end};

/// An MCP server on standard input and output that could not be started, or whose client does not speak the protocol.
#[derive(Debug, thiserror::Error)]
pub enum McpError {
    /// It could not be started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The client began with something else.
    #[error("standard input does not begin as the Model Context Protocol does: {0}. An MCP client starts this command")]
    Protocol(String),
}

/// How long what is being done has to come to its end once the client is gone.
const FINISH_WITHIN: Duration = Duration::from_secs(1);

/// Serves tools on standard input and output until the client closes them, or the process is told to end (SIGINT, SIGTERM).
/// Nothing else may write to standard output. Of `settings`, what is about listening and keys does not matter: whoever starts the
/// process may ask.
///
/// An index that is missing is told at once. Models are loaded, and may be fetched, while the client says hello.
///
/// # Errors
/// When an index is missing, or the client does not speak the protocol.
pub fn serve_mcp(settings: Settings) -> Result<(), McpError> {
    check_names(&settings)?;
    if !settings.writable {
        for IndexSettings { name, folder } in &settings.indexes {
            Engine::open(folder).map_err(|error| StartError::Index { name: name.clone(), error: Box::new(error) })?;
        }
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(StartError::from)?;
    let opening = Opening::later(settings);
    let served = runtime.block_on(serve(opening.clone()));
    // A read of standard input cannot be called back.
    runtime.shutdown_timeout(FINISH_WITHIN);
    if let Some(service) = opening.opened() {
        service.finish();
    }
    served
}

async fn serve(opening: Opening) -> Result<(), McpError> {
    let early = opening.clone();
    tokio::spawn(async move {
        if let Err(failure) = early.service().await {
            tracing::error!(code = failure.code.name(), "{}", failure.message);
        }
    });
    let told = async {
        if let Err(error) = told_to_end(|| ()).await {
            tracing::warn!(%error, "signals cannot be waited for");
            std::future::pending::<()>().await;
        }
    };
    tokio::pin!(told);
    let begun = tokio::select! {
        begun = Tools::over(opening).serve(stdio_pipes()) => begun,
        () = &mut told => return Ok(()),
    };
    match begun {
        Ok(running) => {
            let end = running.cancellation_token();
            let served = running.waiting();
            tokio::pin!(served);
            let served = tokio::select! {
                served = &mut served => served,
                () = &mut told => {
                    end.cancel();
                    served.await
                }
            };
            if let Err(error) = served {
                tracing::error!(%error, "serving ended early");
            }
            Ok(())
        }
        // Gone before it asked for anything.
        Err(ServerInitializeError::ConnectionClosed(_)) => Ok(()),
        Err(error) => Err(McpError::Protocol(error.to_string())),
    }
}
