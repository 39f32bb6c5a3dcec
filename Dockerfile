FROM debian:bookworm-slim

RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates python3 python3-venv \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 lens

ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1

# The pinned requirements come before the code, so that a change of code leaves this layer, the large one, as it is.
COPY requirements.txt /tmp/requirements.txt
RUN python3 -m venv /opt/venv \
    && pip install --no-cache-dir --quiet -r /tmp/requirements.txt

WORKDIR /srv/scff-lens
COPY core core
COPY imagery imagery
COPY models models
COPY pairs pairs
COPY explain explain
COPY training training
COPY app app
COPY checkpoints checkpoints

USER lens
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=90s \
    CMD ["python3", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860/healthz', timeout=4)"]
CMD ["python3", "-m", "app", "--host", "0.0.0.0", "--port", "7860"]
